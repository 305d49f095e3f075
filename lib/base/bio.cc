#include "lib/base/bio.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <condition_variable>
#include <new>

#include "lib/base/check.h"
#include "lib/base/monotonic.h"
#include "lib/base/thread.h"

namespace larder::inline v0::base {

struct Bio::Worker {
  Worker(Bio& owner, Queue& all) : queue(all), bio(owner) {}
  Queue& queue;
  Bio& bio;
  std::condition_variable changed;
  bool stop = false;  // the queue's mutex guards it
  std::atomic<bool> over{false};
  pthread_t thread{};
};

Bio* Bio::Create(bool threads, void (*wake)(void* arg), void* arg) {
  return new (std::nothrow) Bio(threads, wake, arg);
}

Bio::~Bio() {
  for (Queue& queue : queues_) {
    LARDER_CHECK(queue.worker == nullptr && queue.first == nullptr);  // Finish or Abandon was called
  }
}

bool Bio::StartWorker(Queue& queue, Kind kind) {
  auto* const worker = new (std::nothrow) Worker(*this, queue);
  if (worker == nullptr) return false;
  const char* const name = kind == kFile ? "larder-file" : "larder-free";
  if (StartThread(name, WorkerMain, worker, &worker->thread) != 0) {
    delete worker;
    return false;
  }
  queue.worker = worker;
  return true;
}

bool Bio::Submit(Kind kind, Job* job) {
  if (refuses_.load(std::memory_order_acquire)) return false;
  Queue& queue = queues_[kind];
  job->next = nullptr;
  {
    const std::lock_guard<std::mutex> lock(queue.mutex);
    if (refuses_.load(std::memory_order_relaxed)) return false;
    if (kind == kFree && queue.count.load(std::memory_order_relaxed) >= kFreeJobsMax) return false;
    if (threads_ && queue.worker == nullptr && !StartWorker(queue, kind)) return false;
    (queue.last != nullptr ? queue.last->next : queue.first) = job;
    queue.last = job;
    queue.count.fetch_add(1, std::memory_order_relaxed);
    if (queue.worker != nullptr) queue.worker->changed.notify_one();
  }
  if (!threads_ && wake_ != nullptr) wake_(wake_arg_);
  return true;
}

void Bio::SubmitFile(FileJob* job) {
  job->run_some = RunFile;
  if (!Submit(kFile, job)) RunFile(job, INT64_MAX);
}

bool Bio::RunFile(Job* job, int64_t /*end_ns*/) {
  FileJob& file = *static_cast<FileJob*>(job);
  file.error = 0;
  if (file.sync) {
    int status;
    do {
      status = fsync(file.fd);
    } while (status != 0 && errno == EINTR);
    if (status != 0) file.error = errno;
  }
  // The descriptor is gone after EINTR too; a second close might close somebody else's.
  if (file.close && ::close(file.fd) != 0 && errno != EINTR && file.error == 0) file.error = errno;
  if (file.done != nullptr) file.done(&file);
  return false;
}

// A job counts as waiting until it is done.
Bio::Job* Bio::Take(Queue& queue) {
  const std::lock_guard<std::mutex> lock(queue.mutex);
  Job* const job = queue.first;
  if (job == nullptr) return nullptr;
  queue.first = job->next;
  if (queue.first == nullptr) queue.last = nullptr;
  return job;
}

void* Bio::WorkerMain(void* arg) {
  Worker& worker = *static_cast<Worker*>(arg);
  Queue& queue = worker.queue;
  std::unique_lock<std::mutex> lock(queue.mutex);
  for (;;) {
    while (queue.first == nullptr && !worker.stop) worker.changed.wait(lock);
    Job* const job = queue.first;
    if (job == nullptr) break;
    queue.first = job->next;
    if (queue.first == nullptr) queue.last = nullptr;
    lock.unlock();
    while (job->run_some(job, INT64_MAX)) {
    }
    queue.count.fetch_sub(1, std::memory_order_release);
    lock.lock();
  }
  lock.unlock();
  worker.over.store(true, std::memory_order_release);
  // The stopping thread joins this one, so all objects still exist.
  if (worker.bio.wake_ != nullptr) worker.bio.wake_(worker.bio.wake_arg_);
  return nullptr;
}

bool Bio::Run(int64_t end_ns) { return !threads_ && RunUntil(end_ns); }

bool Bio::RunUntil(int64_t end_ns) {
  for (Queue& queue : queues_) {
    while (Job* const job = Take(queue)) {
      if (job->run_some(job, end_ns)) {
        const std::lock_guard<std::mutex> lock(queue.mutex);
        job->next = queue.first;
        queue.first = job;
        if (queue.last == nullptr) queue.last = job;
      } else {
        queue.count.fetch_sub(1, std::memory_order_release);
      }
      if (MonotonicNs() >= end_ns) return waiting(kFile) + waiting(kFree) != 0;
    }
  }
  return false;
}

// Makes the worker's present jobs its last. Returns true once the worker is gone.
bool Bio::StopWorker(Queue& queue, bool wait) {
  Worker* worker;
  {
    const std::lock_guard<std::mutex> lock(queue.mutex);
    refuses_.store(true, std::memory_order_release);
    worker = queue.worker;
    if (worker == nullptr) return true;
    worker->stop = true;
    worker->changed.notify_one();
  }
  if (!wait && !worker->over.load(std::memory_order_acquire)) return false;
  LARDER_CHECK(!pthread_equal(worker->thread, pthread_self()));
  pthread_join(worker->thread, nullptr);
  queue.worker = nullptr;
  delete worker;
  return true;
}

void Bio::Finish() {
  for (Queue& queue : queues_) (void)StopWorker(queue, /*wait=*/true);
  while (RunUntil(INT64_MAX)) {
  }
}

bool Bio::ThreadsOver() const {
  for (const Queue& queue : queues_) {
    if (queue.worker != nullptr && !queue.worker->over.load(std::memory_order_acquire)) return false;
  }
  return true;
}

bool Bio::FinishSome(int64_t end_ns) {
  bool stopped = true;
  for (Queue& queue : queues_) stopped = StopWorker(queue, /*wait=*/false) && stopped;
  return stopped && !RunUntil(end_ns);
}

void Bio::Abandon() {
  refuses_.store(true, std::memory_order_release);
  Ref();  // this is never deleted: a thread of the parent may have been inside its mutex or condition variable
}

}  // namespace larder::inline v0::base
