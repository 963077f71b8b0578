/// Full attention within each image of a batch.
///
/// An image's tokens lie in two stretches: [CLS] and patches, image after image, and behind all of them the prompts, image
/// after image. Scores of one image and head are a dense (queries, tokens) matrix in the order of the stretches.
///
/// Backward, with P = softmax(s Q K^T) and O = P V:
/// dV = P^T dO;  dP = dO V^T;  dS = s P (dP - rowsum(P dP));  dQ = dS K;  dK = dS^T Q.
struct ImageAttention<R: Real>: Attention {
    let shape: TowerShape
    let workers: Workers
    let images: Int
    /// 1 + patches.
    let tokens: Int
    /// Prompt tokens for each image.
    let prompts: Int
    /// (threads, (tokens + prompts)^2): gradients of one image's and head's scores.
    let work: Matrix<R>

    var scale: R { 1 / R(shape.headSize).squareRoot() }

    /// A stretch of consecutive rows and its place among an image's tokens.
    private struct Stretch {
        var row: Int
        var count: Int
        var place: Int
    }

    /// [CLS] and patches, then prompts.
    private struct Stretches {
        var first: Stretch
        var second: Stretch

        @inline(__always) func forEach(_ body: (Stretch) -> Void) {
            if first.count > 0 { body(first) }
            if second.count > 0 { body(second) }
        }
    }

    private func keys(_ image: Int) -> Stretches {
        Stretches(
            first: Stretch(row: image * tokens, count: tokens, place: 0),
            second: Stretch(row: images * tokens + image * prompts, count: prompts, place: tokens))
    }

    /// The image's queries, as rows of the compact (A, d) matrices.
    private func queries(_ image: Int, _ active: RowSet) -> Stretches {
        if active.step != 1 {  // [CLS] alone
            return Stretches(
                first: Stretch(row: image, count: 1, place: 0), second: Stretch(row: 0, count: 0, place: 1))
        }
        var all = keys(image)
        if active.count == images * tokens { all.second.count = 0 }
        return all
    }

    private func queryCount(_ active: RowSet) -> Int {
        active.step != 1 ? 1 : (active.count > images * tokens ? tokens + prompts : tokens)
    }

    func forward(_ memory: BlockMemory<R>, active: RowSet, output: Matrix<R>) {
        let d = shape.width, size = shape.headSize, all = tokens + prompts, count = queryCount(active)
        workers.split(images * shape.heads) { _, tasks in
            for task in tasks {
                let image = task / shape.heads, column = task % shape.heads * size
                let p = memory.probability + task * count * all
                let keys = keys(image), queries = queries(image, active)
                queries.forEach { q in
                    let scores = p + q.place * all
                    keys.forEach { k in
                        R.gemm(
                            false, true, q.count, k.count, size, 1, memory.query.row(q.row) + column, d,
                            memory.key.row(k.row) + column, d, 0, scores + k.place, all)
                    }
                    R.softmax(scores, all, q.count, all, scale)
                    keys.forEach { k in
                        R.gemm(
                            false, false, q.count, size, k.count, 1, scores + k.place, all, memory.value.row(k.row) + column, d,
                            k.place == 0 ? 0 : 1, output.row(q.row) + column, d)
                    }
                }
            }
        }
    }

    func backward(
        _ memory: BlockMemory<R>, active: RowSet, needed: Range<Int>, gradient: Matrix<R>, query: Matrix<R>, key: Matrix<R>,
        value: Matrix<R>
    ) {
        let d = shape.width, size = shape.headSize, all = tokens + prompts, count = queryCount(active)
        workers.split(images * shape.heads) { worker, tasks in
            let ds = work.row(worker)
            for task in tasks {
                let image = task / shape.heads, column = task % shape.heads * size
                let p = memory.probability + task * count * all
                let keys = keys(image), queries = queries(image, active)
                queries.forEach { q in
                    keys.forEach { k in
                        R.gemm(
                            false, true, q.count, k.count, size, 1, gradient.row(q.row) + column, d,
                            memory.value.row(k.row) + column, d, 0, ds + q.place * all + k.place, all)
                    }
                    R.softmaxBackward(p + q.place * all, all, ds + q.place * all, all, q.count, all, scale)
                    // A query's own gradient is of use only where its input's is.
                    guard needed.contains(active.start + q.row * active.step) else { return }
                    keys.forEach { k in
                        R.gemm(
                            false, false, q.count, size, k.count, 1, ds + q.place * all + k.place, all,
                            memory.key.row(k.row) + column, d, k.place == 0 ? 0 : 1, query.row(q.row) + column, d)
                    }
                }
                keys.forEach { k in
                    guard needed.contains(k.row) else { return }
                    queries.forEach { q in
                        let at = q.place * all + k.place, beta: R = q.place == 0 ? 0 : 1
                        R.gemm(
                            true, false, k.count, size, q.count, 1, ds + at, all, memory.query.row(q.row) + column, d, beta,
                            key.row(k.row) + column, d)
                        R.gemm(
                            true, false, k.count, size, q.count, 1, p + at, all, gradient.row(q.row) + column, d, beta,
                            value.row(k.row) + column, d)
                    }
                }
            }
        }
    }
}
