// Counts calls of the allocator in the whole process, for tests that claim there are none.
#pragma once
void allocation_count_start(void);
long allocation_count_stop(void);
