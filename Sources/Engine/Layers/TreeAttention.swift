/// Causal attention along a token tree: each row reads the keys on its way from the root, itself included.
///
/// Backward, with w = softmax(s q.k) over a row's ancestors and o = sum w v:
/// dv += w do;  ds = s w (do.v - sum w do.v);  dq = sum ds k;  dk += ds q.
struct TreeAttention<R: Real>: Attention {
    let shape: TowerShape
    let workers: Workers
    /// (rows + 1): where row i's ancestors begin in `ancestors`.
    let start: UnsafeMutablePointer<Int32>
    let ancestors: UnsafeMutablePointer<Int32>
    /// Entries of `ancestors`.
    var links: Int
    /// (threads, longest way): scores of one row.
    let work: Matrix<R>

    var scale: R { 1 / R(shape.headSize).squareRoot() }

    func forward(_ memory: BlockMemory<R>, active: RowSet, output: Matrix<R>) {
        precondition(active.step == 1)
        workers.split(active.count) { _, range in
            R.treeAttention(
                memory.query.row(range.lowerBound), memory.key.base, memory.value.base, shape.width, shape.headSize, 0,
                shape.heads, start, ancestors, active.start + range.lowerBound, active.start + range.upperBound, links, scale,
                memory.probability, output.row(range.lowerBound))
        }
    }

    func backward(
        _ memory: BlockMemory<R>, active: RowSet, needed: Range<Int>, gradient: Matrix<R>, query: Matrix<R>, key: Matrix<R>,
        value: Matrix<R>
    ) {
        precondition(needed.lowerBound == 0)
        // Many rows add to one ancestor: threads share the work by heads, which never meet.
        workers.split(shape.heads) { worker, heads in
            let first = heads.lowerBound * shape.headSize, n = heads.count * shape.headSize
            for i in needed {
                (key.row(i) + first).update(repeating: 0, count: n)
                (value.row(i) + first).update(repeating: 0, count: n)
            }
            R.treeAttentionBackward(
                gradient.base, memory.query.base, memory.key.base, memory.value.base, memory.probability, shape.width,
                shape.headSize, heads.lowerBound, heads.upperBound, start, ancestors, active.start, active.range.upperBound,
                links, Int32(needed.upperBound), scale, work.row(worker), query.base, key.base, value.base)
        }
    }
}
