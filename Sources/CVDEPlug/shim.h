#ifndef CVDEPLUG_SHIM_H
#define CVDEPLUG_SHIM_H

#include <stddef.h>
#include <sys/types.h>
#include <libvdeplug.h>

/* vde_open is a macro, which Swift does not see. */
static inline VDECONN *cvdeplug_open(const char *url, const char *description, int port) {
    struct vde_open_args arguments = {.port = port, .group = NULL, .mode = 0600};
    return vde_open_real((char *)url, (char *)description, LIBVDEPLUG_INTERFACE_VERSION, &arguments);
}

#endif
