// TLS for a listener, by OpenSSL 3:
//
//   larder::ListenerOptions options;
//   options.tls = &larder::Tls();
//
// The tls-port and the other tls-* directives (options.h) then say where and how. In larder-server this is so already.
//
// CONFIG SET of them holds for connections made from then on; those that are there stay as they are. CONFIG SET
// tls-cert-file (or another file), with the same value or another, reads the files again; if they cannot be used, it
// is an error, and what was in force stays so.
//
// A good guest: OpenSSL gets a library context of Larder's own, so that the host's providers and settings are neither
// used nor changed; it touches no socket, raises no signal, asks no terminal for a password, and leaves no errors in
// the thread's queue (a handshake empties it first, so that errors of the host's are gone too). What OpenSSL does once
// a process it does here too: it reads its openssl.cnf, where an administrator may have set a policy for TLS. It is
// told not to clean up at exit, when the listener's thread may still be running; a host that wants that calls
// OPENSSL_init_crypto first.
//
// Certificates in tls-ca-cert-dir are looked up when a client shows one, on the listener's thread.
//
// Not in Redis's ways: a key with a password and no tls-key-file-pass is an error, not a question on the terminal;
// tls-session-caching no refuses tickets too; a renegotiation (TLS 1.2) is refused; CONFIG SET tls-auth-clients, and
// tls-port when there was none, read the files again and fail if they have become bad.
#ifndef LARDER_NET_TLS_H_
#define LARDER_NET_TLS_H_

#include <larder/export.h>
#include <larder/net/listener.h>

namespace larder::inline v0 {

// One for all; without state. Any thread.
LARDER_API const TlsProvider& Tls();

}  // namespace larder::inline v0

#endif  // LARDER_NET_TLS_H_
