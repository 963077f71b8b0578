#define _GNU_SOURCE
#include "fuzz_guard.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

static char note[1024];
static clockid_t watched;
static pthread_t worker;
static _Atomic double began = -1;
static double limit;

static double spent(void) {
    struct timespec now;
    clock_gettime(watched, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void say(const char *what) {
    // Nothing but write is allowed here; what cannot be written is lost with the program.
    ssize_t ignored = write(STDERR_FILENO, what, strlen(what));
    ignored = write(STDERR_FILENO, note, strlen(note));
    ignored = write(STDERR_FILENO, "\n", 1);
    (void)ignored;
}

static void on_signal(int number) {
    say(number == SIGXCPU ? "hang: " : "crash: ");
    signal(number, SIG_DFL);
    if (number == SIGXCPU) _exit(3);
    raise(number);
}

static void *watch(void *nothing) {
    (void)nothing;
    for (;;) {
        usleep(20000);
        double start = atomic_load(&began);
        if (start >= 0 && spent() - start > limit && atomic_load(&began) == start) pthread_kill(worker, SIGXCPU);
    }
    return NULL;
}

void fuzz_guard_install(double seconds) {
    limit = seconds;
    worker = pthread_self();
    pthread_getcpuclockid(worker, &watched);
    // A stack that has run over needs another one for its handler.
    static char stack[1 << 16];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&other, NULL);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    int numbers[] = {SIGILL, SIGTRAP, SIGABRT, SIGXCPU, SIGSEGV, SIGBUS, SIGFPE};
    int count = sizeof numbers / sizeof numbers[0];
#ifdef SANITIZED
    // The sanitiser tells more about the last three.
    count -= 3;
#endif
    for (int i = 0; i < count; i++) sigaction(numbers[i], &action, NULL);
    pthread_t watcher;
    pthread_create(&watcher, NULL, watch, NULL);
}

void fuzz_guard_begin(const char *text) {
    strncpy(note, text, sizeof note - 1);
    atomic_store(&began, spent());
}

double fuzz_guard_end(void) {
    double time = spent() - atomic_load(&began);
    atomic_store(&began, -1);
    return time;
}

#ifdef SANITIZED
void __asan_on_error(void) { say("sanitizer: "); }

const char *__asan_default_options(void) {
    // Leaks are not looked for: inputs are refused half-way on purpose, and the program ends at once.
    return "detect_leaks=0:max_allocation_size_mb=4096:detect_stack_use_after_return=0";
}
#endif
