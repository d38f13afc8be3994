/* For LD_PRELOAD: while LOSE_SIGNALS is set, no thread is woken for the work that it waits for. Needs no headers. */
char *getenv(const char *name);
void *dlsym(void *handle, const char *name);

int pthread_cond_signal(void *condition)
{
  static int (*original)(void *);
  if (getenv("LOSE_SIGNALS"))
    return 0;
  /* RTLD_NEXT, dlsym(3) */
  if (!original)
    original = (int (*)(void *))dlsym((void *)-1L, "pthread_cond_signal");
  return original(condition);
}
