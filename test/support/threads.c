/*
 * Processes that begin and end as few do, for tests.
 *
 *   threads many N             N threads that wait
 *   threads leader-ends CODE   the main thread ends, another lives
 *   threads exec PROGRAM ARG…  a thread other than the main one becomes another program, once a line is read
 *   threads churn              threads that begin and end, four at a time
 *   threads relay              the main thread ends; each thread starts the next one and ends: at most times one runs
 *   threads trace TID          traces a thread and never looks at it: what it traces cannot be buried
 *
 * Each prints a line when it is ready. Those that read a line exit at its end, with CODE or 7.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <unistd.h>

static int code = 7;
static char **program;

static void ready(void) {
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) _exit(70);
}

static void wait_for_line(void) {
  char byte;
  while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n') {
  }
}

static void start(void *(*run)(void *), void *argument) {
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 65536);
  /* Those that ended may not have been cleared away yet. */
  while (pthread_create(&thread, &attributes, run, argument) != 0) usleep(1000);
  pthread_attr_destroy(&attributes);
}

static void *rest(void *argument) {
  while (pause() != 0) {
  }
  return argument;
}

static void *live_on(void *argument) {
  (void)argument;
  usleep(20000); /* the main thread's end comes first */
  ready();
  wait_for_line();
  exit(code);
}

static void *become(void *argument) {
  (void)argument;
  wait_for_line();
  execvp(program[0], program);
  exit(70);
}

static void *blink(void *argument) {
  usleep(200);
  start(blink, argument);
  return NULL;
}

static void *hand_on(void *argument) {
  struct pollfd line = {STDIN_FILENO, POLLIN, 0};
  if (poll(&line, 1, 0) > 0) exit(code);
  start(hand_on, argument);
  return NULL;
}

int main(int count, char **words) {
  const char *how = count > 1 ? words[1] : "";
  const char *argument = count > 2 ? words[2] : "";
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  if (strcmp(how, "many") == 0) {
    for (int left = atoi(argument); left > 0; left--) start(rest, NULL);
    ready();
    wait_for_line();
  } else if (strcmp(how, "leader-ends") == 0) {
    code = atoi(argument);
    start(live_on, NULL);
    pthread_exit(NULL);
  } else if (strcmp(how, "exec") == 0) {
    program = words + 2;
    for (int left = 4; left > 0; left--) start(rest, NULL);
    start(become, NULL);
    ready();
    rest(NULL);
  } else if (strcmp(how, "churn") == 0) {
    for (int left = 4; left > 0; left--) start(blink, NULL);
    ready();
    wait_for_line();
  } else if (strcmp(how, "relay") == 0) {
    ready();
    start(hand_on, NULL);
    pthread_exit(NULL);
  } else if (strcmp(how, "trace") == 0) {
    if (ptrace(PTRACE_SEIZE, atoi(argument), 0, 0) != 0) {
      perror("ptrace");
      return 1;
    }
    ready();
    wait_for_line();
  } else {
    return 64;
  }
  return code;
}
