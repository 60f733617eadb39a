// Coordinate descent on the rows of a factor under the Frobenius loss, the other factor fixed.
//
//   min over F_i >= 0 of  |P_i - F_i H'|^2,     i.e.  F_i G F_i' / 2 - b_i . F_i
//   b_i = sum_j P_ij H_j,   G = H'H  (k x k),   P: n x m sparse, F: n x k (updated), H: m x k
//
// A group of rows is worked on in step, one row a lane, so that what is sequential within a row
// runs at the speed of vectors. Four coordinates at a time: their slopes g = G f - b are summed
// anew from the coordinates that are not zero in all rows of the group, then they move one after
// the other. b, f and the sums stay in L1 and in registers, G (packed by fours) in L1 or L2.
// The penalty l1 sum(f) + l2/2 |f|^2 is added. Repeats at most `repeats` times, or until the
// largest move of a row is at most tolerance times the largest move of its first pass. Returns
// sum_i b_i . F_i at the result, the cross term of the objective, for nothing extra. Guarantees:
// the objective never rises; a row depends on no other row, nor on the number of threads, to the
// bit. Where the diagonal of G is zero a coordinate changes nothing and stays (unless a penalty
// wants it at zero): a concept that lost one factor can come back. Cost: nnz k + n k (coordinates
// not zero in a group) a pass. Cichocki and Phan (2009), order of HALS.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lanes.hpp"
#include "parallel.hpp"
#include "simd.hpp"
#include "sparse_ops.hpp"
#include "views.hpp"

namespace nnae {

template <typename T>
struct CoordinateOptions {
    Matrix<const T> denominator;  // k x k Gram (Frobenius) or 1 x k column sums (rate losses)
    T l1 = 0, l2 = 0;
    int repeats = 1;
    T tolerance = 0;
    T floor = 0;                   // rate losses only
    const double *sums = nullptr;  // the column sums in double, where T is too coarse for them
    std::int64_t sums_stride = 0;  // k where every row has sums of its own (not all cells count)
    int n_threads = 1;
};

namespace detail {

constexpr std::int64_t coordinate_block = 4;

// G by blocks of four columns, each k x 4 side by side, l2 on the diagonal, zeros past the end.
template <typename T>
struct PackedGram {
    std::vector<T> blocks, inverse;  // inverse of the diagonal, 0 where that is 0
    std::int64_t k, padded;
    PackedGram(Matrix<const T> G, T l2) : k(G.cols) {
        padded = chunk_count(k, coordinate_block) * coordinate_block;
        blocks.assign(static_cast<std::size_t>(k * padded), T(0));
        inverse.assign(static_cast<std::size_t>(padded), T(0));
        for (std::int64_t q = 0; q < k; ++q)
            for (std::int64_t p = 0; p < k; ++p)
                blocks[(p / coordinate_block * k + q) * coordinate_block + p % coordinate_block] =
                    G.row(q)[p] + (p == q ? l2 : T(0));
        for (std::int64_t p = 0; p < k; ++p) {
            const T diagonal = G.row(p)[p] + l2;
            if (diagonal > 0) inverse[p] = 1 / diagonal;
        }
    }
    const T *block(std::int64_t p) const { return blocks.data() + p * k; }
};

// Scratch of one thread: b and f of a group by lanes, rows of b, coordinates that are not all zero.
template <typename T>
struct GroupRows {
    std::vector<T> b, f, rows;
    std::vector<std::int32_t> active;
    std::vector<char> listed;  // whether a coordinate is in active
    explicit GroupRows(std::int64_t k) {
        const std::size_t cells = static_cast<std::size_t>(k * group_rows<T>);
        for (auto *of : {&b, &f, &rows}) of->assign(cells, T(0));
        active.reserve(static_cast<std::size_t>(k + 1));
        listed.resize(static_cast<std::size_t>(k));
    }
};

template <typename T>
inline void list_active(GroupRows<T> &group, std::int64_t k) {
    group.active.clear();
    for (std::int64_t p = 0; p < k; ++p) {
        Pack<T> f[group_vectors];
        for (int v = 0; v < group_vectors; ++v)
            f[v] = load(group.f.data() + p * group_rows<T> + v * lanes<T>);
        const bool any = any_lane<T>(f);
        group.listed[p] = any;
        if (any) group.active.push_back(static_cast<std::int32_t>(p));
    }
}

// Slopes of four coordinates of all rows of the group, from the coordinates that are not zero.
template <typename T>
inline void slopes_of_block(const GroupRows<T> &group, const T *gram, std::int64_t p, T l1,
                            Pack<T> (&slope)[coordinate_block][group_vectors]) {
    constexpr int width = group_rows<T>;
    Pack<T> sum[coordinate_block][group_vectors] = {};
    for (const std::int32_t q : group.active) {
        const T *f = group.f.data() + q * width;
        const T *g = gram + q * coordinate_block;
        Pack<T> line[group_vectors];
        for (int v = 0; v < group_vectors; ++v) line[v] = load(f + v * lanes<T>);
        for (int c = 0; c < coordinate_block; ++c) {
            const Pack<T> x = broadcast(g[c]);
            for (int v = 0; v < group_vectors; ++v) sum[c][v] += x * line[v];
        }
    }
    const std::int64_t k = static_cast<std::int64_t>(group.b.size()) / width;
    for (int c = 0; c < coordinate_block && p + c < k; ++c)
        for (int v = 0; v < group_vectors; ++v)
            slope[c][v] =
                sum[c][v] - (load(group.b.data() + (p + c) * width + v * lanes<T>) - broadcast(l1));
}

// One pass over the coordinates of a group; rows whose lane of alive is not positive stay.
template <typename T>
inline void pass_over_group(GroupRows<T> &group, const PackedGram<T> &G, T l1, const Pack<T> *alive,
                            Pack<T> *moves) {
    constexpr int width = group_rows<T>;
    const Pack<T> zero{};
    Pack<T> largest[group_vectors] = {};
    list_active(group, G.k);
    for (std::int64_t p = 0; p < G.k; p += coordinate_block) {
        Pack<T> slope[coordinate_block][group_vectors];
        const T *gram = G.block(p);
        slopes_of_block(group, gram, p, l1, slope);
        const int used = static_cast<int>(std::min(coordinate_block, G.k - p));
        for (int c = 0; c < used; ++c) {
            T *f = group.f.data() + (p + c) * width;
            const T inverse = G.inverse[p + c];
            Pack<T> after[group_vectors];
            for (int v = 0; v < group_vectors; ++v) {
                const Pack<T> old = load(f + v * lanes<T>);
                Pack<T> to = inverse > 0 ? old - slope[c][v] * broadcast(inverse)
                                         : (slope[c][v] > zero ? zero : old);
                to = to > zero ? to : zero;
                after[v] = to = alive[v] > zero ? to : old;
                store(f + v * lanes<T>, to);
                const Pack<T> change = to - old;
                for (int d = c + 1; d < used; ++d)
                    slope[d][v] += change * broadcast(gram[(p + c) * coordinate_block + d]);
                const Pack<T> size = change > zero ? change : zero - change;
                largest[v] = size > largest[v] ? size : largest[v];
            }
            if (!group.listed[p + c] && any_lane<T>(after)) {
                group.listed[p + c] = true;
                const auto at = static_cast<std::int32_t>(p + c);
                auto &list = group.active;
                list.insert(std::upper_bound(list.begin(), list.end(), at), at);
            }
        }
    }
    for (int v = 0; v < group_vectors; ++v) moves[v] = largest[v];
}

template <typename T>
inline void descend_group(GroupRows<T> &group, const PackedGram<T> &G,
                          const CoordinateOptions<T> &options) {
    const Pack<T> zero{}, one = broadcast(T(1));
    Pack<T> alive[group_vectors], bound[group_vectors] = {};
    for (auto &lane : alive) lane = one;
    for (int pass = 0; pass < options.repeats; ++pass) {
        Pack<T> largest[group_vectors] = {};
        pass_over_group(group, G, options.l1, alive, largest);
        for (int v = 0; v < group_vectors; ++v) {
            if (pass == 0) bound[v] = largest[v] * broadcast(options.tolerance);
            alive[v] = largest[v] > bound[v] ? alive[v] : zero;
        }
        if (!any_lane<T>(alive)) break;
    }
}

// Sum of b . f of the first n rows of a group, in the order of rows.
template <typename T>
inline double cross_of_group(const GroupRows<T> &group, std::int64_t n, std::int64_t k) {
    constexpr int width = group_rows<T>;
    Pack<T> sum[group_vectors] = {};
    for (std::int64_t p = 0; p < k; ++p)
        for (int v = 0; v < group_vectors; ++v) {
            const std::int64_t at = p * width + v * lanes<T>;
            sum[v] += load(group.b.data() + at) * load(group.f.data() + at);
        }
    T lane[group_rows<T>];
    for (int v = 0; v < group_vectors; ++v) store(lane + v * lanes<T>, sum[v]);
    double total = 0;
    for (std::int64_t r = 0; r < n; ++r) total += static_cast<double>(lane[r]);
    return total;
}

// Right-hand sides of rows [begin, end) of a dense matrix, or where they lie.
template <typename T>
struct DenseRows {
    Matrix<const T> rows;
    const T *operator()(std::int64_t begin, std::int64_t, T *) const { return rows.row(begin); }
};

template <typename T, typename I>
struct SparseRows {
    Csr<T, I> P;
    Matrix<const T> H;
    const T *operator()(std::int64_t begin, std::int64_t end, T *out) const {
        for (std::int64_t i = begin; i < end; ++i) sparse_row(P, i, H, out + (i - begin) * H.cols);
        return out;
    }
};

template <typename T, typename RightSide>
double descend_rows(const RightSide &right_side, const CoordinateOptions<T> &options, Matrix<T> F) {
    constexpr std::int64_t group_size = group_rows<T>, chunk = 4 * group_size;
    const std::int64_t k = F.cols;
    const PackedGram<T> G(options.denominator, options.l2);
    std::vector<double> slots(static_cast<std::size_t>(chunk_count(F.rows, chunk)));
    std::vector<GroupRows<T>> scratch;
    for (int t = 0; t < std::max(options.n_threads, 1); ++t) scratch.emplace_back(k);
    parallel_for(F.rows, chunk, options.n_threads,
                 [&](std::int64_t begin, std::int64_t end, int t) {
                     GroupRows<T> &group = scratch[static_cast<std::size_t>(t)];
                     double cross = 0;
                     for (std::int64_t i = begin; i < end; i += group_size) {
                         const std::int64_t n = std::min(group_size, end - i);
                         const T *b = right_side(i, i + n, group.rows.data());
                         rows_to_lanes(b, n, k, k, group.b.data());
                         rows_to_lanes<T>(F.row(i), n, k, k, group.f.data());
                         descend_group(group, G, options);
                         lanes_to_rows(group.f.data(), n, k, k, F.row(i));
                         cross += cross_of_group(group, n, k);
                     }
                     slots[begin / chunk] = cross;
                 });
    double total = 0;
    for (const double slot : slots) total += slot;
    return total;
}

}  // namespace detail

template <typename T, typename I>
double coordinate_step(Csr<T, I> P, Matrix<const T> H, const CoordinateOptions<T> &options,
                       Matrix<T> F) {
    return detail::descend_rows(detail::SparseRows<T, I>{P, H}, options, F);
}

// The same with the right-hand sides b_i given as rows of a dense matrix.
template <typename T>
double coordinate_step(Matrix<const T> right_sides, const CoordinateOptions<T> &options,
                       Matrix<T> F) {
    return detail::descend_rows(detail::DenseRows<T>{right_sides}, options, F);
}

}  // namespace nnae
