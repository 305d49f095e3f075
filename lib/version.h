// The version of these headers. INFO's larder_version, `larder-server --version` and the packages say the same.
#ifndef LARDER_VERSION_H_
#define LARDER_VERSION_H_

#define LARDER_VERSION "0.1.0"

#endif  // LARDER_VERSION_H_
