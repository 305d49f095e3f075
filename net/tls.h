// TLS for a listener, by OpenSSL 3:
//
//   larder::ListenerOptions options;
//   options.tls = &larder::Tls();
//
// The tls-port and the other tls-* directives (options.h) then say where and how. larder-server sets this option
// itself.
//
// CONFIG SET of these directives holds for connections made from then on; existing connections stay as they are. CONFIG
// SET tls-cert-file (or another file), with the same value or another, reads the files again. If they cannot be used,
// it is an error, and the old ones stay in force.
//
// It is a good guest. OpenSSL gets a library context of Larder's own, so the host's providers and settings are neither
// used nor changed. OpenSSL touches no socket, raises no signal, asks no terminal for a password, and leaves no errors
// in the thread's queue (a handshake empties the queue first, so errors of the host's are gone too). As in every
// process, OpenSSL reads its openssl.cnf once, where an administrator may have set a policy for TLS. It is told not to
// clean up at exit, when the listener's thread may still be running; a host that wants the clean-up calls
// OPENSSL_init_crypto first.
//
// When a client shows a certificate, tls-ca-cert-dir is searched on the listener's thread.
//
// It differs from Redis in this. A key with a password and no tls-key-file-pass is an error, not a question on the
// terminal. tls-session-caching no refuses tickets too. A renegotiation (TLS 1.2) is refused. CONFIG SET
// tls-auth-clients, and tls-port when there was none, read the files again and fail if they have become bad.
#ifndef LARDER_NET_TLS_H_
#define LARDER_NET_TLS_H_

#include <larder/export.h>
#include <larder/net/listener.h>

namespace larder::inline v0 {

// Returns the one provider, which has no state. Any thread may call it.
LARDER_API const TlsProvider& Tls();

}  // namespace larder::inline v0

#endif  // LARDER_NET_TLS_H_
