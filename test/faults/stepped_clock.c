// A wall clock that a test may step, for the processes that load this (LD_PRELOAD): CLOCK_REALTIME, gettimeofday() and
// time() are off by the seconds that the file $STEPPED_CLOCK holds as a 64-bit integer. Every other clock is as it was.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t* step;

__attribute__((constructor)) static void map_step(void) {
  const char* file = getenv("STEPPED_CLOCK");
  const int fd = file == NULL ? -1 : open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  void* mapped = mmap(NULL, sizeof *step, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) step = mapped;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  const int result = (int)syscall(SYS_clock_gettime, clock, now);
  const int is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (result == 0 && is_wall && step != NULL) now->tv_sec += *step;
  return result;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  (void)zone;
  struct timespec wall;
  if (clock_gettime(CLOCK_REALTIME, &wall) != 0) return -1;
  now->tv_sec = wall.tv_sec;
  now->tv_usec = wall.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* result) {
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  if (result != NULL) *result = wall.tv_sec;
  return wall.tv_sec;
}
