// The three losses of level 1, one policy each.
//
//   Frobenius          y^2 - 2 y r                 ratio y             (the dense part is apart)
//   KullbackLeibler    y log(y / r) - y            ratio y / r         + colsum(Z) . rowsum(W)
//   Bernoulli          -log(1 - e^-r) - r          ratio 1/(1 - e^-r)  + colsum(Z) . rowsum(W)
//
// r is the rate (Z W)_ij at a non-zero y of the target. term() is what one non-zero adds to the
// objective, ratio() the weight of its label's row in the numerator of every update, and
// curvature() the second derivative with respect to r. Bernoulli takes y as a weight of the
// example. Rates are kept at or above safe_rate: a rate of zero at a non-zero means an infinite
// objective, and the square of the bound must not vanish. A stored zero adds nothing. Zhou (2015)
// for the Bernoulli-Poisson link; Lee and Seung (2001) for the other two.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace nnae {

inline double safe_rate(double rate) { return std::max(rate, 1e-150); }
inline float safe_rate(float rate) { return std::max(rate, 1e-30f); }

struct Frobenius {
    template <typename T>
    static T ratio(T y, T) {
        return y;
    }
    static double term(double y, double rate) { return y * y - 2 * y * rate; }
};

struct KullbackLeibler {
    template <typename T>
    static T ratio(T y, T rate) {
        return y / safe_rate(rate);
    }
    static constexpr double useful_rate = std::numeric_limits<double>::infinity();
    static double curvature(double y, double rate) { return y / (rate * rate); }
    static double term(double y, double rate) {
        return y > 0 ? y * std::log(y / safe_rate(rate)) - y : 0;
    }
};

struct Bernoulli {
    // 1 - e^-r is one in double precision from here on: a larger rate gains nothing.
    static constexpr double useful_rate = 36;
    template <typename T>
    static T ratio(T y, T rate) {
        return y / -std::expm1(-safe_rate(rate));
    }
    static double curvature(double y, double rate) {
        const double on = -std::expm1(-rate);
        return y * (1 - on) / (on * on);
    }
    static double term(double y, double rate) {
        const double r = safe_rate(rate);
        return -y * (std::log(-std::expm1(-r)) + r);
    }
};

}  // namespace nnae
