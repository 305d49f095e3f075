// Bio: background jobs that would take too long where they arise, as in Redis (close, fsync, lazy free).
//
//   file   close and fsync of a descriptor, in the order of submission, so that a file is synced before it is closed.
//          Waiting jobs are in a list without a bound, since to run one where it arose must never happen.
//   free   memory that takes long to give back (values over 1 MB: 64 ms for 512 MB). At most kFreeJobsMax wait. If
//          there are more, the caller frees its memory itself: a host that frees faster than the kernel takes back is
//          slowed, but does not grow.
//
// With threads each kind has one, made by its first job, with all signals blocked. Without threads (if
// Options::background names none), jobs wait until Run, which the loop's time events and Tick call.
//
// A job is a part of its object (the block to be freed, the file's own state), so nothing is allocated.
//
// Sockets are closed at once and need no job: a close without SO_LINGER waits for nothing (5 us on loopback with its
// buffers full, less than waking a thread).
//
// Threads: any, except for Create, Finish and Abandon. Submit takes a mutex for some instructions and waits for no job.
// Lifetime: by count; every owner of a pointer has a reference. The last one may go on any thread, after Finish.
#ifndef LARDER_BASE_BIO_H_
#define LARDER_BASE_BIO_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace larder::inline v0::base {

class Bio {
 public:
  enum Kind : uint8_t { kFile, kFree };
  static constexpr int kKinds = 2;
  static constexpr size_t kFreeJobsMax = 1024;

  struct Job {
    // Does at least some of the job, and stops when base::MonotonicNs() reaches end_ns. Returns whether there is more.
    // Bio has forgotten the job before its last call returns, so the job may be gone by then.
    bool (*run_some)(Job* job, int64_t end_ns) = nullptr;
    Job* next = nullptr;
  };

  // A descriptor to be synced, closed, or both in this order. It is the caller's memory, needed until `done` is called,
  // on the thread that ran it. `done` may be null only if the memory outlives Finish.
  struct FileJob : Job {
    int fd = -1;
    bool sync = false;
    bool close = false;
    int error = 0;  // errno of the first call that failed
    void (*done)(FileJob* job) = nullptr;
  };

  // Returns nullptr if there is no memory; otherwise the caller has the first reference. Without threads `wake(arg)` is
  // called when a job waits, on the submitter's thread, which may hold any lock of its own: it must not call back. With
  // threads it is called as each of them ends.
  static Bio* Create(bool threads, void (*wake)(void* arg) = nullptr, void* arg = nullptr);
  Bio(const Bio&) = delete;
  Bio& operator=(const Bio&) = delete;
  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  bool has_threads() const { return threads_; }

  // Returns false if the caller has to do the job itself: too many wait (kFree), the system refuses a thread, or Finish
  // was called.
  bool Submit(Kind kind, Job* job);
  // As Submit, but a refused job has been done when it returns.
  void SubmitFile(FileJob* job);

  // Without threads: does waiting jobs until base::MonotonicNs() is `end_ns`. Returns whether there are more.
  bool Run(int64_t end_ns);

  size_t waiting(Kind kind) const { return queues_[kind].count.load(std::memory_order_relaxed); }

  // When it returns, every submitted job has run, and the threads are gone. Later jobs are refused.
  void Finish();
  // Does a part of Finish: waits for no thread that has jobs left, and without threads stops when base::MonotonicNs()
  // is `end_ns`. Jobs are refused from the first call on. Returns whether all is done; if not, call it again. REQUIRES:
  // one caller at a time.
  bool FinishSome(int64_t end_ns);
  // Whether no thread has jobs left. REQUIRES: the caller is that of FinishSome, after it.
  bool ThreadsOver() const;
  // For a forked child, where the threads do not exist: refuses later jobs, and leaks waiting jobs with this object.
  void Abandon();

 private:
  struct Worker;
  struct Queue {
    std::mutex mutex;
    Job* first = nullptr;
    Job* last = nullptr;
    std::atomic<size_t> count{0};
    Worker* worker = nullptr;
  };

  Bio(bool threads, void (*wake)(void*), void* arg) : threads_(threads), wake_(wake), wake_arg_(arg) {}
  ~Bio();
  static bool RunFile(Job* job, int64_t end_ns);
  static void* WorkerMain(void* arg);
  bool StartWorker(Queue& queue, Kind kind);
  static Job* Take(Queue& queue);
  bool StopWorker(Queue& queue, bool wait);
  bool RunUntil(int64_t end_ns);

  const bool threads_;
  void (*const wake_)(void* arg);
  void* const wake_arg_;
  std::atomic<uint32_t> references_{1};
  std::atomic<bool> refuses_{false};
  Queue queues_[kKinds];
};

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_BIO_H_
