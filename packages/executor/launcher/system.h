/*
 * The few things a program needs when it has no C library: its entry point, system calls, and text.
 * Without a C library the two targets are built from the same source by any gcc that can compile for them, the
 * result is a few kilobytes, and nothing that a libc does behind one's back (locks, caches, /etc lookups) happens
 * between the host's spawn and the start of Node.
 */
#include <asm/errno.h>
#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

/* Exit status of a launcher that refused: the highest of those that shells leave to programs. */
#define EXIT_REFUSED 125

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n  xor %ebp,%ebp\n  mov %rsp,%rdi\n  and $-16,%rsp\n  call launch\n  hlt\n");

static inline long raw6(long number, long a, long b, long c, long d, long e, long f)
{
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n  mov x29, #0\n  mov x30, #0\n  mov x0, sp\n  bl launch\n  brk #1\n");

static inline long raw6(long number, long a, long b, long c, long d, long e, long f)
{
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#else
#error "The launcher knows x86-64 and AArch64"
#endif

/* Every call below gives the result, or the negated errno. */
#define call0(n) raw6(n, 0, 0, 0, 0, 0, 0)
#define call1(n, a) raw6(n, (long)(a), 0, 0, 0, 0, 0)
#define call2(n, a, b) raw6(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define call3(n, a, b, c) raw6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define call4(n, a, b, c, d) raw6(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define call5(n, a, b, c, d, e) raw6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define call6(n, a, b, c, d, e, f) raw6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* gcc calls these for structures even in freestanding code. */
void *memset(void *target, int value, size_t length)
{
  for (volatile char *byte = target; length > 0; length--) *byte++ = (char)value;
  return target;
}

void *memcpy(void *target, const void *source, size_t length)
{
  const char *from = source;
  for (volatile char *byte = target; length > 0; length--) *byte++ = *from++;
  return target;
}

static int text_equal(const char *a, const char *b)
{
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

/* The rest of `text` after `prefix`, or 0 when it does not start with it. */
static const char *after(const char *text, const char *prefix)
{
  while (*prefix)
    if (*text++ != *prefix++) return 0;
  return text;
}

/* One line is written at once, so that lines of several processes on one pipe do not mix. */
struct line {
  char text[256];
  size_t length;
};

static void add_text(struct line *line, const char *text)
{
  while (*text && line->length < sizeof line->text - 1) line->text[line->length++] = *text++;
}

static void add_number(struct line *line, unsigned long value)
{
  char digits[24];
  size_t at = sizeof digits - 1;
  digits[at] = 0;
  do digits[--at] = (char)('0' + value % 10);
  while (value /= 10);
  add_text(line, digits + at);
}

static void write_line(int descriptor, struct line *line)
{
  line->text[line->length++] = '\n';
  call3(__NR_write, descriptor, line->text, line->length);
}

__attribute__((noreturn)) static void leave(int status)
{
  for (;;) call1(__NR_exit_group, status);
}

/* Says on stderr what could not be done, and stops: a sandbox is never started with less than was asked for. */
__attribute__((noreturn)) static void refuse(const char *act, const char *subject, long result)
{
  struct line line = { .length = 0 };
  add_text(&line, "cordon-launcher: Cannot ");
  add_text(&line, act);
  add_text(&line, subject);
  add_text(&line, ": errno ");
  add_number(&line, (unsigned long)-result);
  write_line(2, &line);
  leave(EXIT_REFUSED);
}

static long must(const char *act, long result)
{
  if (result < 0) refuse(act, "", result);
  return result;
}
