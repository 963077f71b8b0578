#include "allocation_count.h"
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>

static _Atomic int counting;
static _Atomic long calls;
static _Atomic int measuring;
static _Atomic long held;
static _Atomic long most;

static void grown(size_t size) {
    if (atomic_load_explicit(&counting, memory_order_relaxed)) atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    if (!atomic_load_explicit(&measuring, memory_order_relaxed)) return;
    long now = atomic_fetch_add_explicit(&held, (long)size, memory_order_relaxed) + (long)size;
    long before = atomic_load_explicit(&most, memory_order_relaxed);
    while (now > before && !atomic_compare_exchange_weak_explicit(&most, &before, now, memory_order_relaxed, memory_order_relaxed)) {}
}

static void shrunk(size_t size) {
    if (atomic_load_explicit(&measuring, memory_order_relaxed)) atomic_fetch_sub_explicit(&held, (long)size, memory_order_relaxed);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
// The sanitiser has an allocator of its own, which calls these.
extern size_t __sanitizer_get_allocated_size(const volatile void *);
void __sanitizer_malloc_hook(const volatile void *block, size_t size) { (void)block; grown(size); }
void __sanitizer_free_hook(const volatile void *block) { if (block) shrunk(__sanitizer_get_allocated_size(block)); }
#else
// glibc's own entry points: defining malloc and its kin in the test program puts these in front of them.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static void *counted(void *block) {
    grown(block ? malloc_usable_size(block) : 0);
    return block;
}

void *malloc(size_t size) { return counted(__libc_malloc(size)); }
void *calloc(size_t n, size_t size) { return counted(__libc_calloc(n, size)); }
void *memalign(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }

void *realloc(void *block, size_t size) {
    size_t before = block ? malloc_usable_size(block) : 0;
    void *new_block = __libc_realloc(block, size);
    // A move holds both for a moment.
    if (new_block) counted(new_block);
    if (new_block || size == 0) shrunk(before);
    return new_block;
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    *out = counted(__libc_memalign(alignment, size));
    return *out ? 0 : ENOMEM;
}

void free(void *block) {
    if (block) shrunk(malloc_usable_size(block));
    __libc_free(block);
}
#endif

void allocation_count_start(void) {
    atomic_store(&calls, 0);
    atomic_store(&counting, 1);
}

long allocation_count_stop(void) {
    atomic_store(&counting, 0);
    return atomic_load(&calls);
}

void allocation_peak_start(void) {
    atomic_store(&held, 0);
    atomic_store(&most, 0);
    atomic_store(&measuring, 1);
}

long allocation_peak_stop(void) {
    atomic_store(&measuring, 0);
    return atomic_load(&most);
}
