// The peer of `npm run bench -- addon`: preads the given files, opened once, again and again, and does nothing with
// what it reads. It tells what the kernel alone costs for one snapshot.
//
//     kept_files_peer FILE...     then for each line "<count>\n" on stdin: reads all files count times and answers with
//                                 the nanoseconds that this took
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char** argv) {
  static char buffer[16384];
  int* fds = malloc(sizeof(int) * (size_t)argc);
  if (fds == NULL) return 1;
  for (int i = 1; i < argc; ++i) {
    fds[i] = open(argv[i], O_RDONLY | O_CLOEXEC);
    if (fds[i] < 0) {
      perror(argv[i]);
      return 1;
    }
  }
  long count;
  while (scanf("%ld", &count) == 1) {
    const long long start = now_ns();
    for (long n = 0; n < count; ++n) {
      for (int i = 1; i < argc; ++i) {
        if (pread(fds[i], buffer, sizeof buffer, 0) <= 0) {
          perror(argv[i]);
          return 1;
        }
      }
    }
    printf("%lld\n", now_ns() - start);
    fflush(stdout);
  }
  return 0;
}
