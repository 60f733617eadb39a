// Logarithm and 1 - e^-r in double precision, written so that loops over them become vector code.
//
//   one_minus_exp(r)    1 - e^-r for r >= 0, to full relative precision also where r is tiny
//   logarithm(x)        log x for normal x > 0
//
// The libraries' functions are calls that no compiler here turns into vectors, and label losses
// spend most of their time in them. 1 - e^-r: with -r = n log 2 + t, |t| <= log 2 / 2, it is
// -(2^n (e^t - 1) + (2^n - 1)), e^t - 1 by its Taylor series to t^13. log x: with x = 2^e m, m
// about 1, it is e log 2 + 2 artanh s, s = (m - 1)/(m + 1), to s^21. Integers pass through the
// mantissa of 1.5 2^52, because conversions of 64-bit integers need newer processors. Errors are
// below 4 units in the last place (tested); one_minus_exp<float> ends at t^7 and logarithm<float>
// at s^9, with errors of a quarter of single precision's last place, for what is stored in it. r
// beyond 700 counts as 700. No branches, no tables.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace nnae {

namespace detail {

inline std::int64_t bits_of(double x) {
    std::int64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

inline double from_bits(std::int64_t bits) {
    double x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

constexpr double shifter = 6755399441055744.0;  // 1.5 * 2^52
constexpr double log2_high = 6.93147180369123816490e-01, log2_low = 1.90821492927058770002e-10;

}  // namespace detail

template <typename Precision = double>
inline double one_minus_exp(double rate) {
    const double x = -std::min(rate, 700.0);
    const double shifted = x * 1.4426950408889634 + detail::shifter, n = shifted - detail::shifter;
    const double t = (x - n * detail::log2_high) - n * detail::log2_low;
    double series = 0;
    if constexpr (std::is_same_v<Precision, double>) {
        series = 1.0 / 6227020800;
        series = series * t + 1.0 / 479001600;
        series = series * t + 1.0 / 39916800;
        series = series * t + 1.0 / 3628800;
        series = series * t + 1.0 / 362880;
        series = series * t + 1.0 / 40320;
    }
    series = series * t + 1.0 / 5040;
    series = series * t + 1.0 / 720;
    series = series * t + 1.0 / 120;
    series = series * t + 1.0 / 24;
    series = series * t + 1.0 / 6;
    series = series * t + 0.5;
    series = series * t * t + t;
    const std::int64_t power = (detail::bits_of(shifted) - detail::bits_of(detail::shifter)) + 1023;
    const double scale = detail::from_bits(power << 52);
    return (1 - scale) - scale * series;
}

template <typename Precision = double>
inline double logarithm(double x) {
    const std::int64_t bits = detail::bits_of(x);
    // the exponent for which the mantissa lies in [sqrt(1/2), sqrt(2))
    const std::int64_t half = 0x3fe6a09e667f3bcd;
    const std::int64_t shift = (bits - half) & static_cast<std::int64_t>(0xfff0000000000000);
    const double m = detail::from_bits(bits - shift);
    const double exponent =
        detail::from_bits(((shift + 0x4000000000000000) >> 52) + detail::bits_of(detail::shifter)) -
        detail::shifter - 1024;
    const double s = (m - 1) / (m + 1), q = s * s;
    double series = 0;
    if constexpr (std::is_same_v<Precision, double>) {
        series = 2.0 / 21;
        series = series * q + 2.0 / 19;
        series = series * q + 2.0 / 17;
        series = series * q + 2.0 / 15;
        series = series * q + 2.0 / 13;
        series = series * q + 2.0 / 11;
    }
    series = series * q + 2.0 / 9;
    series = series * q + 2.0 / 7;
    series = series * q + 2.0 / 5;
    series = series * q + 2.0 / 3;
    const double rest = series * q * s + exponent * detail::log2_low;
    return exponent * detail::log2_high + (2 * s + rest);
}

}  // namespace nnae
