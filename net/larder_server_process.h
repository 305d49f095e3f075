// What larder-server, being a host, may do to its process, and a library may not.
#ifndef LARDER_NET_LARDER_SERVER_PROCESS_H_
#define LARDER_NET_LARDER_SERVER_PROCESS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include <larder/options.h>

namespace larder::inline v0::server {

// Goes to the background: the parent exits, the child leads a session of its own, its standard streams on /dev/null.
void Daemonize();

// Raises the limit of descriptors as far as it goes, at least to what `maxclients` needs; if that is refused, returns the
// maxclients that fit (0: none).
uint32_t RaiseDescriptorLimit(uint32_t maxclients);

// False if it cannot be written.
bool WritePidFile(const std::string& path);

// Tells systemd, if NOTIFY_SOCKET says where it listens. False if nobody does.
bool Notify(std::string_view state);

// Whether a supervisor started this process and wants to be told, as `supervised` says.
bool IsSupervised(Supervised supervised);

}  // namespace larder::inline v0::server

#endif  // LARDER_NET_LARDER_SERVER_PROCESS_H_
