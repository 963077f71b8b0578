#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

func exponential(_ x: Double) -> Double { exp(x) }
func cosine(_ x: Double) -> Double { cos(x) }
func logarithm(_ x: Double) -> Double { log(x) }

/// `base` to a whole power.
func power(_ base: Double, _ exponent: Int) -> Double { pow(base, Double(exponent)) }
