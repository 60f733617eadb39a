// One step of dual coordinate descent on a row, for sixteen classifiers side by side.
//
//   step(margins, signs, now, q, c, state, lane, delta)   -> bits of the lanes that drop the row
//
// margins m = w . x, signs: bit set where the row is a positive, now: bits of the lanes to move,
// q = |x|^2, c: cost of the row. delta * x is to be added to w (0 in lanes that do not move).
//   squared hinge  state a >= 0, G = y m - 1 + a / (2c), a <- max(0, a - G / (q + 1 / (2c)))
//   logistic       state t, a = c / (1 + exp(-t)); the t with q (a(t) - a) + y m + t = 0
// A row is dropped where a = 0 and G exceeds the largest projected gradient of the epoch before.
// Guarantees: lanes do not touch each other; an unmoved lane keeps its state to the bit. The
// logistic root lies in [-ym - q(c - a), -ym + qa]: Newton's steps that leave it are halved in.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace nnae {

namespace detail {

constexpr int kLanes = 16;

// What each classifier remembers of its epoch: extremes of the projected gradient.
template <typename T>
struct DualLanes {
    T high[kLanes], low[kLanes], bar[kLanes];
    bool moved;

    void reset() { std::fill_n(bar, kLanes, std::numeric_limits<T>::infinity()); }

    void begin_epoch() {
        std::fill_n(high, kLanes, -std::numeric_limits<T>::infinity());
        std::fill_n(low, kLanes, std::numeric_limits<T>::infinity());
    }

    // Bits of the lanes whose gradients agree to the tolerance (or that saw no row).
    unsigned end_epoch(T tolerance) {
        unsigned settled = 0;
        for (int l = 0; l < kLanes; ++l) {
            if (!(high[l] - low[l] > tolerance)) settled |= 1u << l;
            bar[l] = high[l] > 0 ? high[l] : std::numeric_limits<T>::infinity();
        }
        return settled;
    }
};

}  // namespace detail

struct SquaredHinge {
    template <typename T>
    static T start() {
        return T(0);
    }

    template <typename T>
    static unsigned step(const T *margins, unsigned signs, unsigned now, T q, T c, T *state,
                         detail::DualLanes<T> &lane, T *delta) {
        const T ridge = T(0.5) / c, scale = T(1) / (q + ridge);
        int dropped = 0, moved = 0;
        T *high = lane.high, *low = lane.low;
        const T *bar = lane.bar;
#pragma omp simd reduction(| : dropped, moved)
        for (int l = 0; l < detail::kLanes; ++l) {
            const int on = static_cast<int>(now >> l) & 1;
            const T y = static_cast<T>(2 * (static_cast<int>(signs >> l) & 1) - 1);
            const T a = state[l];
            const T G = y * margins[l] - T(1) + ridge * a;
            const T projected = a == T(0) ? std::min(G, T(0)) : G;
            const T next = std::max(a - G * scale, T(0));
            const T change = on ? next - a : T(0);
            dropped |= ((on && a == T(0) && G > bar[l]) ? 1 : 0) << l;
            moved |= change != T(0) ? 1 : 0;
            high[l] = on ? std::max(high[l], projected) : high[l];
            low[l] = on ? std::min(low[l], projected) : low[l];
            state[l] = on ? next : a;
            delta[l] = change * y;
        }
        lane.moved = moved != 0;
        return static_cast<unsigned>(dropped);
    }
};

struct Logistic {
    template <typename T>
    static T start() {
        return -std::numeric_limits<T>::infinity();
    }

    template <typename T>
    static T sigmoid(T t) {
        return T(1) / (T(1) + std::exp(-t));
    }

    template <typename T>
    static T root(T t, T a, T slope, T q, T c) {
        T left = -slope - q * (c - a), right = -slope + q * a;
        t = std::min(std::max(t, left), right);
        for (int step = 0; step < 8; ++step) {
            const T share = sigmoid(t);
            const T value = q * (c * share - a) + slope + t;
            (value > 0 ? right : left) = t;
            T next = t - value / (T(1) + q * c * share * (T(1) - share));
            if (!(next >= left && next <= right)) next = (left + right) / 2;
            const bool close = std::abs(next - t) <= T(1e-4);
            t = next;
            if (close) break;
        }
        return t;
    }

    template <typename T>
    static unsigned step(const T *margins, unsigned signs, unsigned now, T q, T c, T *state,
                         detail::DualLanes<T> &lane, T *delta) {
        lane.moved = false;
        for (int l = 0; l < detail::kLanes; ++l) {
            delta[l] = T(0);
            if (!((now >> l) & 1u)) continue;
            const T y = (signs >> l) & 1u ? T(1) : T(-1);
            const T a = c * sigmoid(state[l]), slope = y * margins[l];
            const T violation = std::abs(slope + state[l]);
            lane.high[l] = std::max(lane.high[l], violation);
            lane.low[l] = T(0);
            state[l] = root(state[l], a, slope, q, c);
            const T change = c * sigmoid(state[l]) - a;
            delta[l] = change * y;
            lane.moved |= change != T(0);
        }
        return 0;
    }
};

}  // namespace nnae
