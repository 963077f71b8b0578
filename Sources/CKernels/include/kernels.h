// Vector kernels of the engine: element-wise functions, layer normalisation, softmax, attention over a token tree,
// each beside its backward, in single and double precision, and the thread pool that runs them.
//
// Matrices are row-major. `ld` is the distance between rows in elements. No kernel allocates.
// The single-precision ones are compiled for several instruction sets and picked at load time.
#pragma once
#include <stdint.h>
#include <stddef.h>

typedef enum { MK_QUICK_GELU = 0, MK_GELU = 1 } mk_activation;

#define MK_DECLARE(R, S)                                                                                              \
    /* y = (x - mean) * rstd * gamma + beta over rows of length d; mean and rstd (rows) are kept for the backward. */  \
    void mk_layer_norm_##S(const R *x, long ldx, long rows, long d, const R *gamma, const R *beta, R eps,            \
                           R *y, long ldy, R *mean, R *rstd);                                                         \
    /* dx (+)= rstd * (g - mean(g) - xhat * mean(g * xhat)), g = dy * gamma. */                                        \
    void mk_layer_norm_backward_##S(const R *dy, long lddy, const R *x, long ldx, long rows, long d, const R *gamma,   \
                                    const R *mean, const R *rstd, R *dx, long lddx, int accumulate);                  \
    /* dgamma += dy * (x - mean) * rstd and dbeta += dy, summed over rows. */                                          \
    void mk_layer_norm_weights_##S(const R *dy, long lddy, const R *x, long ldx, long rows, long d, const R *mean,     \
                                   const R *rstd, R *dgamma, R *dbeta);                                                \
    /* y = activation(h) */                                                                                            \
    void mk_activate_##S(const R *h, long count, mk_activation kind, R *y);                                           \
    /* dy *= activation'(h) */                                                                                         \
    void mk_activation_backward_##S(const R *h, R *dy, long count, mk_activation kind);                               \
    /* y += bias */                                                                                                    \
    void mk_add_bias_##S(R *y, long ldy, const R *bias, long rows, long n);                                           \
    /* y = bias, or y = x + bias where x is given: what a product is then added to. */                                 \
    void mk_start_rows_##S(R *y, long ldy, const R *bias, const R *x, long ldx, long rows, long n);                   \
    /* y += x */                                                                                                       \
    void mk_add_rows_##S(R *y, long ldy, const R *x, long ldx, long rows, long n);                                    \
    /* s = softmax(scale * s) along rows of length n. */                                                               \
    void mk_softmax_##S(R *s, long lds, long rows, long n, R scale);                                                  \
    /* dp = scale * p * (dp - sum(p * dp)), the gradient of the scores before scaling. */                              \
    void mk_softmax_backward_##S(const R *p, long ldp, R *dp, long lddp, long rows, long n, R scale);                 \
    /* Attention of rows [first, last) over their ancestors: row i reads keys ancestors[start[i] ..< start[i + 1]].    \
       q, o hold only the rows from `first` on; k, v are addressed by ancestor. Heads [head0, head1) of size hd.       \
       p: probabilities, (heads, start[rows]) in the ancestors' order. */                                              \
    void mk_tree_attention_##S(const R *q, const R *k, const R *v, long d, long hd, long head0, long head1,           \
                               const int32_t *start, const int32_t *ancestors, long first, long last, long links,     \
                               R scale, R *p, R *o);                                                                   \
    /* dq (rows from `first` on) is written, dk and dv are added to, for ancestors below `limit` alone. */             \
    void mk_tree_attention_backward_##S(const R *dout, const R *q, const R *k, const R *v, const R *p, long d,         \
                                        long hd, long head0, long head1, const int32_t *start,                        \
                                        const int32_t *ancestors, long first, long last, long links, int32_t limit,   \
                                        R scale, R *work, R *dq, R *dk, R *dv);                                        \
    /* y = x / |x| along rows; inverse (rows) keeps 1 / |x|. */                                                        \
    void mk_unit_rows_##S(const R *x, long rows, long n, R *y, R *inverse);                                           \
    /* dx = inverse * (dy - y * sum(y * dy)) */                                                                        \
    void mk_unit_rows_backward_##S(const R *dy, const R *y, const R *inverse, long rows, long n, R *dx);              \
    /* Mean cross-entropy over rows; dlogits = (softmax - one hot) / rows. Returns the loss. */                        \
    R mk_cross_entropy_##S(const R *logits, const int32_t *labels, long rows, long n, R *dlogits);                    \
    /* PyTorch's SGD: g = grad + decay * value; m = first ? g : momentum * m + g; value -= lr * m */                   \
    void mk_sgd_##S(R *value, const R *grad, R *m, long count, R lr, R momentum, R decay, int first);                 \
    /* AdamW with decoupled decay: value *= 1 - lr * decay; m = beta1 m + (1 - beta1) grad;                            \
       v = beta2 v + (1 - beta2) grad^2; value -= lr / c1 * m / (sqrt(v / c2) + eps), c the bias corrections. */       \
    void mk_adamw_##S(R *value, const R *grad, R *m, R *v, long count, R lr, R beta1, R beta2, R c1, R c2, R eps,      \
                      R decay);                                                                                        \
    /* Sum of squares of x, and of x - y where y is given. */                                                          \
    double mk_squares_##S(const R *x, const R *y, long count);                                                         \
    /* 1 when every value is finite. */                                                                                \
    int mk_all_finite_##S(const R *x, long count);

MK_DECLARE(float, f32)
MK_DECLARE(double, f64)

void mk_from_half(const uint16_t *x, long count, float *y);
void mk_from_bfloat(const uint16_t *x, long count, float *y);

// Arithmetic done in matrix products, in floating point operations, since the last reset.
void mk_count_arithmetic(int64_t operations);
int64_t mk_arithmetic(void);
void mk_reset_arithmetic(void);

// A pool of threads for short parallel regions: workers spin briefly for the next region, then sleep.
typedef struct mk_pool mk_pool;
mk_pool *mk_pool_create(int threads);
int mk_pool_threads(const mk_pool *pool);
void mk_pool_destroy(mk_pool *pool);
// Regions are run by mk_pool_run_closure (pool.c), which Workers.swift declares: C headers cannot name a Swift closure.
