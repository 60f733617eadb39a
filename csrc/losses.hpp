// The three losses of level 1, one policy each.
//
//   Frobenius          y^2 - 2 y r                 ratio y             (the dense part is apart)
//   KullbackLeibler    y log(y / r) - y            ratio y / r         + colsum(Z) . rowsum(W)
//   Bernoulli          -log(1 - e^-r) - r          ratio 1/(1 - e^-r)  + colsum(Z) . rowsum(W)
//
// r is the rate (Z W)_ij at a non-zero y of the target. term<T>() is what one non-zero adds to the
// objective, to somewhat more than the precision of T, rise() what it adds when its rate changes,
// ratio() the weight of its label's row in the numerator of every update; derivatives<T>() gives,
// to the precision of T, the ratio and the second derivative with respect to r. All are free of
// branches and calls, so that loops over them become vector code. Bernoulli takes y as a weight of
// the example. Rates are kept at or above safe_rate: a rate of zero at a non-zero means an infinite
// objective, and the square of the bound must not vanish. A stored zero adds nothing. Zhou (2015)
// for the Bernoulli-Poisson link; Lee and Seung (2001) for the other two.
#pragma once

#include <algorithm>
#include <limits>

#include "elementary.hpp"

namespace nnae {

// Compilers make one instruction of it; of std::max, within a loop, they make branches.
inline double safe_rate(double rate) { return rate > 1e-150 ? rate : 1e-150; }
inline float safe_rate(float rate) { return rate > 1e-30f ? rate : 1e-30f; }

struct Derivatives {
    double ratio, curvature;
};

struct Frobenius {
    static constexpr bool far_rates_cancel = false;
    template <typename T>
    static T ratio(T y, T) {
        return y;
    }
    template <typename T>
    static double term(double y, double rate) {
        return y * y - 2 * y * rate;
    }
};

struct KullbackLeibler {
    static constexpr bool far_rates_cancel = false;
    static constexpr double useful_rate = std::numeric_limits<double>::infinity();
    static constexpr double curvature_length = std::numeric_limits<double>::infinity();
    template <typename T>
    static T ratio(T y, T rate) {
        return y / safe_rate(rate);
    }
    template <typename T>
    static Derivatives derivatives(double y, double rate) {
        const double inverse = 1 / safe_rate(rate), ratio = y * inverse;
        return {ratio, ratio * inverse};
    }
    template <typename T>
    static double term(double y, double rate) {
        return y * logarithm<T>(y > 0 ? y / safe_rate(rate) : 1.0) - y;
    }
    static double rise(double y, double rate, double to) {
        return y * logarithm(safe_rate(rate) / safe_rate(to));
    }
};

struct Bernoulli {
    static constexpr bool far_rates_cancel = true;  // against the product of sums
    // 1 - e^-r is one in double precision from here on: a larger rate gains nothing.
    static constexpr double useful_rate = 36;
    static constexpr double curvature_length = 1;  // e^-r, where r is large
    template <typename T>
    static T ratio(T y, T rate) {
        return static_cast<T>(static_cast<double>(y) /
                              one_minus_exp(static_cast<double>(safe_rate(rate))));
    }
    template <typename T>
    static Derivatives derivatives(double y, double rate) {
        const double on = one_minus_exp<T>(safe_rate(rate)), inverse = 1 / on, ratio = y * inverse;
        return {ratio, ratio * (1 - on) * inverse};
    }
    template <typename T>
    static double term(double y, double rate) {
        const double r = safe_rate(rate);
        return -y * (logarithm<T>(one_minus_exp<T>(r)) + r);
    }
    static double rise(double y, double rate, double to) {
        const double from = safe_rate(rate), r = safe_rate(to);
        return y * (logarithm(one_minus_exp(from) / one_minus_exp(r)) + (from - r));
    }
};

}  // namespace nnae
