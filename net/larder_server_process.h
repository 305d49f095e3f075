// What larder-server, being a host, may do to its process, and a library may not.
#ifndef LARDER_NET_LARDER_SERVER_PROCESS_H_
#define LARDER_NET_LARDER_SERVER_PROCESS_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include <larder/options.h>

namespace larder::inline v0::server {

// Goes to the background: the parent exits, the child leads a session of its own, its standard streams on /dev/null.
void Daemonize();

// Raises the limit of descriptors as far as it goes, at least to what `maxclients` needs; if that is refused, returns the
// maxclients that fit (0: none). *granted is the limit then.
uint32_t RaiseDescriptorLimit(uint32_t maxclients, uint64_t* granted);
// Descriptors besides clients': streams, the loop's own, listening sockets, the log.
inline constexpr uint32_t kReservedDescriptors = 32;

// False if it cannot be written.
bool WritePidFile(const std::string& path);

// Files to be removed by a handler of signals that ends the process at once: a path of fixed length, and which file it
// was, so that another's in its place is left alone.
class OwnFile {
 public:
  // Remembers the file that is there; nothing if the path is "" or too long, or there is none.
  void Remember(const std::string& path);
  void Forget() { known_.store(false); }
  // Only calls that a handler may make.
  void Remove() const;

 private:
  std::atomic<bool> known_{false};
  char path_[4096] = {};
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Tells systemd, if NOTIFY_SOCKET says where it listens. False if nobody does.
bool Notify(std::string_view state);

// Whether a supervisor started this process and wants to be told, as `supervised` says.
bool IsSupervised(Supervised supervised);

}  // namespace larder::inline v0::server

#endif  // LARDER_NET_LARDER_SERVER_PROCESS_H_
