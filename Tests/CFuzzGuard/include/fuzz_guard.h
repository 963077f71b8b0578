#pragma once

/// Catches what ends a program that parses hostile input: signals, sanitiser reports, and inputs that take too long.

/// Installs the handlers and starts the watch. `seconds` is the processor time that one input may take on the calling thread.
void fuzz_guard_install(double seconds);

/// An input begins: `note` (one line) is what is said if it never ends.
void fuzz_guard_begin(const char *note);

/// The input ended. Answers its processor time in seconds.
double fuzz_guard_end(void);
