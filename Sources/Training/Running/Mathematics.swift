import Foundation

func exponential(_ x: Float) -> Float { exp(x) }
func logarithm(_ x: Double) -> Double { log(x) }
