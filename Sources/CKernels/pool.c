#include "kernels.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

// How often a thread looks for news before it sleeps: about 0.1 ms, more than the gap between two regions. Where other
// programs want the processors, a thread that only waits must give its own up.
#define SPINS 3000

#if defined(__x86_64__)
#define PAUSE() __builtin_ia32_pause()
#else
#define PAUSE() ((void)0)
#endif

// A Swift closure that does not escape, (Int) -> Void, as it is passed: code and context. A block would have to be
// allocated for every region.
typedef __attribute__((swiftcall)) void (*region)(long worker, __attribute__((swift_context)) void *context);

struct mk_pool {
    int threads;
    pthread_t *handles;
    _Atomic long generation;   // counts regions; a change is the signal to start
    _Atomic int working;       // workers that have not finished the current region
    _Atomic int sleepers;
    _Atomic int callerSleeps;
    _Atomic int quit;
    region body;
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t wake;       // a new region
    pthread_cond_t finished;   // the last worker is done
};

typedef struct { mk_pool *pool; int index; } worker_start;

static void *work(void *argument) {
    worker_start start = *(worker_start *)argument;
    free(argument);
    mk_pool *pool = start.pool;
    long seen = 0;
    for (;;) {
        int spins = 0;
        while (atomic_load_explicit(&pool->generation, memory_order_acquire) == seen) {
            if (++spins < SPINS) { PAUSE(); continue; }
            pthread_mutex_lock(&pool->lock);
            atomic_fetch_add(&pool->sleepers, 1);
            while (atomic_load(&pool->generation) == seen) pthread_cond_wait(&pool->wake, &pool->lock);
            atomic_fetch_sub(&pool->sleepers, 1);
            pthread_mutex_unlock(&pool->lock);
        }
        seen++;
        if (atomic_load(&pool->quit)) return NULL;
        pool->body(start.index, pool->context);
        if (atomic_fetch_sub(&pool->working, 1) == 1 && atomic_load(&pool->callerSleeps)) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->finished);
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

static void announce(mk_pool *pool) {
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->lock);
    }
}

mk_pool *mk_pool_create(int threads) {
    mk_pool *pool = calloc(1, sizeof(mk_pool));
    if (!pool) return NULL;
    pool->threads = threads < 1 ? 1 : threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->finished, NULL);
    pool->handles = calloc((size_t)pool->threads, sizeof(pthread_t));
    // Signals belong to the main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 1; i < pool->threads; i++) {
        worker_start *start = malloc(sizeof(worker_start));
        start->pool = pool;
        start->index = i;
        if (pthread_create(&pool->handles[i], NULL, work, start) != 0) {
            free(start);
            pool->threads = i;
            break;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pool;
}

int mk_pool_threads(const mk_pool *pool) { return pool->threads; }

void mk_pool_destroy(mk_pool *pool) {
    if (!pool) return;
    atomic_store(&pool->quit, 1);
    announce(pool);
    for (int i = 1; i < pool->threads; i++) pthread_join(pool->handles[i], NULL);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->finished);
    free(pool->handles);
    free(pool);
}

// Runs body(0) ... body(threads - 1), the caller taking part as 0, and returns when all are done. Not reentrant.
__attribute__((swiftcall)) void mk_pool_run_closure(mk_pool *pool, region body, void *context) {
    if (pool->threads == 1) { body(0, context); return; }
    pool->body = body;
    pool->context = context;
    atomic_store_explicit(&pool->working, pool->threads - 1, memory_order_release);
    announce(pool);
    body(0, context);
    int spins = 0;
    while (atomic_load_explicit(&pool->working, memory_order_acquire) > 0) {
        if (++spins < SPINS) { PAUSE(); continue; }
        // Either the last worker sees this flag, or this thread sees that it is done.
        pthread_mutex_lock(&pool->lock);
        atomic_store(&pool->callerSleeps, 1);
        while (atomic_load(&pool->working) > 0) pthread_cond_wait(&pool->finished, &pool->lock);
        atomic_store(&pool->callerSleeps, 0);
        pthread_mutex_unlock(&pool->lock);
    }
}
