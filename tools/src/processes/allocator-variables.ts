/**
 * Variables of the C library for batch, also in docker-compose.yml and deploy/kubernetes. Each load frees buffers of megabytes. Once
 * it has, glibc's default is to make such buffers parts of larger areas, which are seldom returned to the operating system: with a
 * fixed threshold they never are. Other C libraries ignore the variables.
 */
export const BATCH_ALLOCATOR_VARIABLES: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_TRIM_THRESHOLD_: '131072',
};
