// Calls by which larder-server changes its process, as a host may. A library may do none of this.
#ifndef LARDER_NET_LARDER_SERVER_PROCESS_H_
#define LARDER_NET_LARDER_SERVER_PROCESS_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include <larder/options.h>

namespace larder::inline v0::server {

// Goes to the background: the parent exits, and the child leads a session of its own, with its standard streams on
// /dev/null.
void Daemonize();

// Raises the limit of descriptors as far as it goes. Returns `maxclients` if that is enough for so many clients, and
// otherwise how many of them fit (0: none); *granted is the limit then.
uint32_t RaiseDescriptorLimit(uint32_t maxclients, uint64_t* granted);
// Descriptors besides clients': streams, the loop's own, listening sockets, the log.
inline constexpr uint32_t kReservedDescriptors = 32;

// Returns false if it cannot be written.
bool WritePidFile(const std::string& path);

// A file that a signal handler removes when it ends the process at once. It knows the path, in an array of fixed
// length, and which file was there, so that another one in its place is left alone.
class OwnFile {
 public:
  // Remembers the file that is there. It does nothing if the path is "" or too long, or if there is no file.
  void Remember(const std::string& path);
  void Forget() { known_.store(false); }
  // Makes only calls that a signal handler may make.
  void Remove() const;

 private:
  std::atomic<bool> known_{false};
  char path_[4096] = {};
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Tells systemd, if NOTIFY_SOCKET says where it listens. Returns false if nobody was told.
bool Notify(std::string_view state);

// Whether a supervisor started this process and wants to be told, as `supervised` says.
bool IsSupervised(Supervised supervised);

}  // namespace larder::inline v0::server

#endif  // LARDER_NET_LARDER_SERVER_PROCESS_H_
