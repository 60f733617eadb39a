// The k best labels of every row, without ever holding n x L scores.
//
//   topk_scores   score[i,j] = Z[i,:] . Wt[j,:]      Z n x p, Wt L x p, both row-major
//   topk_csr      score[i,j] = a stored entry of S   S n x L, an explicit zero is a score
//   topk_dense    score[i,j] = S[i,j]                S n x m
//   indices, scores  n x k; each row best first, equal scores by rising label
//
// NaN and -infinity are never chosen. A row with fewer than k scores ends in label -1, score
// -infinity. The columns of a row of S may be in any order.
// Guarantees: a row's result depends on that row alone, bit for bit: not on its neighbours, not on
// the number of threads. Rows are scored in chunks of kScored, labels in packed panels of width:
// six rows by one panel stay in registers, and a panel is packed once for a whole chunk. Cost: 2 n
// p L operations; scratch p * width + kScored * k entries a thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "parallel.hpp"
#include "simd.hpp"
#include "views.hpp"

namespace nnae {

namespace detail {

template <typename T>
struct Scored {
    T score;
    std::int64_t label;
};

template <typename T>
bool better(const Scored<T> &a, const Scored<T> &b) {
    return a.score > b.score || (a.score == b.score && a.label < b.label);
}

// A heap whose front is the worst of the kept; lives in memory of the caller.
template <typename T>
struct Best {
    Scored<T> *kept;
    std::int64_t k, size;

    void offer(T score, std::int64_t label) {
        if (!(score > -std::numeric_limits<T>::infinity())) return;  // NaN too
        const Scored<T> now{score, label};
        if (size < k) {
            kept[size++] = now;
            std::push_heap(kept, kept + size, better<T>);
        } else if (better(now, kept[0])) {
            std::pop_heap(kept, kept + size, better<T>);
            kept[size - 1] = now;
            std::push_heap(kept, kept + size, better<T>);
        }
    }

    // No score up to this one can enter, if labels come in rising order.
    T bar() const { return size < k ? -std::numeric_limits<T>::infinity() : kept[0].score; }

    void write(std::int64_t *indices, T *scores) {
        std::sort_heap(kept, kept + size, better<T>);
        for (std::int64_t r = 0; r < k; ++r) {
            indices[r] = r < size ? kept[r].label : -1;
            scores[r] = r < size ? kept[r].score : -std::numeric_limits<T>::infinity();
        }
    }
};

constexpr std::int64_t kRows = 64;                    // rows of a chunk of stored scores
constexpr std::int64_t kScored = 256;                 // rows of a chunk that a panel is packed for
constexpr int kGroup = 6;                             // rows scored at once
constexpr int kVectors = vector_bytes == 64 ? 4 : 2;  // registers of a panel's line

// panel[q * width + j] = Wt[first + j, q]; columns past the last label repeat it and are not
// offered.
template <typename T, int width>
void pack_labels(const Matrix<const T> &Wt, std::int64_t first, T *panel) {
    for (int j = 0; j < width; ++j) {
        const T *row = Wt.row(std::min(first + j, Wt.rows - 1));
        for (std::int64_t q = 0; q < Wt.cols; ++q) panel[q * width + j] = row[q];
    }
}

template <typename T, int width>
void score_group(const T *const *z, const T *panel, std::int64_t p, T (*out)[width]) {
    Pack<T> acc[kGroup][kVectors] = {};
    for (std::int64_t q = 0; q < p; ++q) {
        Pack<T> line[kVectors];
        for (int v = 0; v < kVectors; ++v) line[v] = load(panel + q * width + v * lanes<T>);
        for (int r = 0; r < kGroup; ++r) {
            const Pack<T> value = broadcast(z[r][q]);
            for (int v = 0; v < kVectors; ++v) acc[r][v] += value * line[v];
        }
    }
    for (int r = 0; r < kGroup; ++r)
        for (int v = 0; v < kVectors; ++v) store(out[r] + v * lanes<T>, acc[r][v]);
}

// offer_row(i, best) offers the scores of row i.
template <typename T, typename OfferRow>
void topk_rows(std::int64_t n, int n_threads, Matrix<std::int64_t> indices, Matrix<T> scores,
               OfferRow offer_row) {
    const std::int64_t k = indices.cols;
    std::vector<Scored<T>> heaps(static_cast<std::size_t>(k * n_threads));
    parallel_for(n, kRows, n_threads, [&](std::int64_t begin, std::int64_t end, int thread) {
        for (std::int64_t i = begin; i < end; ++i) {
            Best<T> best{heaps.data() + thread * k, k, 0};
            offer_row(i, best);
            best.write(indices.row(i), scores.row(i));
        }
    });
}

}  // namespace detail

template <typename T>
void topk_scores(Matrix<const T> Z, Matrix<const T> Wt, int n_threads, Matrix<std::int64_t> indices,
                 Matrix<T> scores) {
    using namespace detail;
    constexpr int width = kVectors * lanes<T>;
    const std::int64_t k = indices.cols, p = Z.cols, labels = Wt.rows;
    if (k == 0) return;
    std::vector<T> panels(static_cast<std::size_t>(p * width * n_threads));
    std::vector<Scored<T>> heaps(static_cast<std::size_t>(kScored * k * n_threads));
    std::vector<Best<T>> bests(static_cast<std::size_t>(kScored * n_threads));
    parallel_for(Z.rows, kScored, n_threads, [&](std::int64_t begin, std::int64_t end, int thread) {
        T *panel = panels.data() + thread * p * width;
        Best<T> *best = bests.data() + thread * kScored;
        for (std::int64_t r = 0; r < end - begin; ++r)
            best[r] = {heaps.data() + (thread * kScored + r) * k, k, 0};
        for (std::int64_t first = 0; first < labels; first += width) {
            pack_labels<T, width>(Wt, first, panel);
            const int filled = static_cast<int>(std::min<std::int64_t>(width, labels - first));
            for (std::int64_t i = begin; i < end; i += kGroup) {
                const T *z[kGroup];
                for (int r = 0; r < kGroup; ++r) z[r] = Z.row(std::min(i + r, end - 1));
                T out[kGroup][width];
                score_group<T, width>(z, panel, p, out);
                for (int r = 0; r < kGroup && i + r < end; ++r) {
                    Best<T> &kept = best[i + r - begin];
                    for (int j = 0; j < filled; ++j)
                        if (out[r][j] > kept.bar()) kept.offer(out[r][j], first + j);
                }
            }
        }
        for (std::int64_t r = 0; r < end - begin; ++r)
            best[r].write(indices.row(begin + r), scores.row(begin + r));
    });
}

template <typename T, typename I>
void topk_csr(const Csr<T, I> &S, int n_threads, Matrix<std::int64_t> indices, Matrix<T> scores) {
    detail::topk_rows<T>(S.rows, n_threads, indices, scores,
                         [&](std::int64_t i, detail::Best<T> &best) {
                             if (best.k == 0) return;
                             for (std::int64_t at = S.begin(i); at < S.end(i); ++at)
                                 best.offer(S.value(at), static_cast<std::int64_t>(S.indices[at]));
                         });
}

template <typename T>
void topk_dense(Matrix<const T> S, int n_threads, Matrix<std::int64_t> indices, Matrix<T> scores) {
    detail::topk_rows<T>(S.rows, n_threads, indices, scores,
                         [&](std::int64_t i, detail::Best<T> &best) {
                             if (best.k == 0) return;
                             const T *row = S.row(i);
                             for (std::int64_t j = 0; j < S.cols; ++j)
                                 if (row[j] > best.bar()) best.offer(row[j], j);
                         });
}

}  // namespace nnae
