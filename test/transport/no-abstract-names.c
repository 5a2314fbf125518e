/* Refuses abstract unix sockets, as AppArmor and strict snaps do. Loaded by LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static int is_abstract(const struct sockaddr *address, socklen_t length) {
  return address->sa_family == AF_UNIX && length > offsetof(struct sockaddr_un, sun_path) &&
         ((const struct sockaddr_un *)address)->sun_path[0] == '\0';
}

int bind(int fd, const struct sockaddr *address, socklen_t length) {
  int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
  if (is_abstract(address, length)) return errno = EACCES, -1;
  return next(fd, address, length);
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
  int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
  if (is_abstract(address, length)) return errno = EACCES, -1;
  return next(fd, address, length);
}
