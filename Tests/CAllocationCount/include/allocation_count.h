#pragma once
/// Counts calls of the C allocator from `start` to `stop`, on every thread of the process.
void allocation_count_start(void);
long allocation_count_stop(void);

/// The most bytes that were allocated at one time since `start`, beyond those that were there then.
void allocation_peak_start(void);
long allocation_peak_stop(void);
