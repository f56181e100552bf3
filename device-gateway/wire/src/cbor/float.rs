//! Which floating-point values have a shorter form, in which deterministic encoding demands them.

/// Whether a half has the value of this single.
pub(super) fn fits_half(bits: u32) -> bool {
    let mantissa = bits & 0x007f_ffff;
    let exponent = (bits >> 23) & 0xff;
    match exponent {
        0 => mantissa == 0,
        // Infinity and NaN; normal halves: the ten upper bits of the mantissa are kept.
        255 | 113..=142 => mantissa & 0x1fff == 0,
        // Subnormal halves are multiples of 2^-24.
        103..=112 => {
            let dropped = 126 - exponent;
            (mantissa | 0x0080_0000) & ((1 << dropped) - 1) == 0
        }
        _ => false,
    }
}

/// Whether a single has the value of this double.
pub(super) fn fits_single(bits: u64) -> bool {
    let value = f64::from_bits(bits);
    if value.is_nan() {
        return bits & 0x1fff_ffff == 0;
    }
    f64::from(value as f32).to_bits() == bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_fits_a_half_exactly_when_the_half_gives_it_back() {
        for half in 0..=u16::MAX {
            let single = single_of(half);
            assert!(fits_half(single), "{half:#06x}");
            // One more bit of precision than a half has, except where that is another half.
            if f32::from_bits(single).is_finite() && half & 0x7fff != 0 {
                assert!(!fits_half(single | 1), "{half:#06x}");
            }
        }
        assert!(!fits_half(65_520f32.to_bits()));
        assert!(!fits_half(2f32.powi(-25).to_bits()));
        assert!(!fits_half(0.1f32.to_bits()));
    }

    #[test]
    fn a_double_fits_a_single_exactly_when_nothing_is_lost() {
        for value in
            [0.0, -0.0, 1.5, f64::INFINITY, f64::NAN, f64::from(f32::MAX), f64::from(f32::MIN_POSITIVE)]
        {
            assert!(fits_single(value.to_bits()), "{value}");
        }
        for value in [0.1, 1e300, f64::MIN_POSITIVE, 1.0 + f64::EPSILON] {
            assert!(!fits_single(value.to_bits()), "{value}");
        }
        assert!(!fits_single(f64::NAN.to_bits() | 1));
    }

    /// The value of a half as a single, by its definition (RFC 8949 appendix D).
    fn single_of(half: u16) -> u32 {
        let sign = u32::from(half >> 15) << 31;
        let (exponent, mantissa) = (i32::from((half >> 10) & 0x1f), u32::from(half & 0x3ff));
        if exponent == 31 {
            return sign | 0x7f80_0000 | (mantissa << 13);
        }
        let value = if exponent == 0 {
            mantissa as f32 * 2f32.powi(-24)
        } else {
            (mantissa + 1024) as f32 * 2f32.powi(exponent - 25)
        };
        sign | value.to_bits()
    }
}
