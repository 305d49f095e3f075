// LARDER_API marks what liblarder.so exports; everything else is built with hidden visibility.
#ifndef LARDER_EXPORT_H_
#define LARDER_EXPORT_H_

#define LARDER_API __attribute__((visibility("default")))

#endif  // LARDER_EXPORT_H_
