// For the processes that load this (LD_PRELOAD): SIGURG, which nobody else of them handles, has the main thread wait in
// the kernel, where nothing but SIGKILL interrupts it, until the child that it then has ends. To the kernel's books that
// is what waiting for a disk that does not answer is: state D.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static void wait_for_child(int signal) {
  (void)signal;
  // A parent is suspended for as long as its vfork child neither ends nor becomes another program.
  if (vfork() != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;) pause();
}

__attribute__((constructor)) static void arm(void) {
  struct sigaction action = {0};
  action.sa_handler = wait_for_child;
  action.sa_flags = SA_RESTART;
  sigaction(SIGURG, &action, NULL);
}
