// Counts what a test executable allocates: its own malloc stands before glibc's.
#pragma once

// Allocations of all threads since the process began; -1 where they cannot be counted.
long allocation_count(void);
