// Counts allocations of 256 bytes or more in the whole process, for tests that claim that no buffer is allocated.
#pragma once
void allocation_count_start(void);
long allocation_count_stop(void);
