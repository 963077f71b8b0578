#define _GNU_SOURCE 1
#define _XOPEN_SOURCE_EXTENDED 1
#define NCURSES_WIDECHAR 1
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

static SCREEN *screen = NULL;
static volatile sig_atomic_t is_open = 0;
static struct termios saved_settings;
static bool has_saved_settings = false;
enum { KEY_PASTE_BEGIN = KEY_MAX + 1, KEY_PASTE_END = KEY_MAX + 2, KEY_LAST_OWN = KEY_MAX + 2 };

static void write_all(const char *text) {
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t done = write(STDOUT_FILENO, text, left);
        if (done <= 0) return;
        text += done;
        left -= (size_t)done;
    }
}

bool terminal_set_locale(void) {
    setlocale(LC_ALL, "");
    // Numbers are read and written with a point everywhere.
    setlocale(LC_NUMERIC, "C");
    const char *set = nl_langinfo(CODESET);
    return set != NULL && (strcmp(set, "UTF-8") == 0 || strcmp(set, "utf8") == 0 || strcmp(set, "UTF8") == 0);
}

int terminal_open(const char *type, int escape_delay_ms) {
    has_saved_settings = tcgetattr(STDIN_FILENO, &saved_settings) == 0;
    // newterm reports failure where initscr would end the program.
    screen = newterm(type, stdout, stdin);
    if (screen == NULL) return -1;
    set_term(screen);
    set_escdelay(escape_delay_ms);
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    meta(stdscr, TRUE);
    intrflush(stdscr, FALSE);
    leaveok(stdscr, TRUE);
    if (has_colors()) {
        start_color();
        use_default_colors();
    }
    curs_set(0);
    mouseinterval(0);
    define_key("\033[200~", KEY_PASTE_BEGIN);
    define_key("\033[201~", KEY_PASTE_END);
    is_open = 1;
    return 0;
}

void terminal_close(void) {
    if (screen == NULL) return;
    terminal_set_mouse(false);
    terminal_set_paste(false);
    is_open = 0;
    endwin();
    delscreen(screen);
    screen = NULL;
}

void terminal_leave(void) {
    if (screen == NULL) return;
    terminal_set_paste(false);
    def_prog_mode();
    endwin();
    is_open = 0;
}

void terminal_return(void) {
    if (screen == NULL) return;
    reset_prog_mode();
    is_open = 1;
    curs_set(0);
    terminal_set_paste(true);
    clearok(curscr, TRUE);
}

int terminal_columns(void) { return screen ? COLS : 0; }
int terminal_rows(void) { return screen ? LINES : 0; }
int terminal_colors(void) { return screen && has_colors() ? COLORS : 0; }
int terminal_color_pairs(void) { return screen ? COLOR_PAIRS : 0; }

bool terminal_is_direct(void) { return screen && has_colors() && COLORS >= 0x1000000; }

int terminal_define_pair(int pair, int foreground, int background) {
    return init_extended_pair(pair, foreground, background) == ERR ? -1 : 0;
}

void terminal_put(int y, int x, const uint32_t *scalars, int count, int attributes, int pair) {
    wchar_t text[CCHARW_MAX + 1];
    int length = count < CCHARW_MAX ? count : CCHARW_MAX;
    for (int i = 0; i < length; i++) text[i] = (wchar_t)scalars[i];
    text[length] = 0;
    attr_t attr = A_NORMAL;
    if (attributes & TERMINAL_BOLD) attr |= A_BOLD;
    if (attributes & TERMINAL_DIM) attr |= A_DIM;
#ifdef A_ITALIC
    if (attributes & TERMINAL_ITALIC) attr |= A_ITALIC;
#endif
    if (attributes & TERMINAL_UNDERLINE) attr |= A_UNDERLINE;
    if (attributes & TERMINAL_REVERSE) attr |= A_REVERSE;
    cchar_t cell;
    if (setcchar(&cell, text, attr, 0, &pair) == ERR) {
        text[0] = L'?';
        text[1] = 0;
        if (setcchar(&cell, text, attr, 0, &pair) == ERR) return;
    }
    mvwadd_wch(stdscr, y, x, &cell);
}

void terminal_touch_all(void) { if (screen) clearok(curscr, TRUE); }

int terminal_flush(void) {
    if (screen == NULL) return -1;
    wnoutrefresh(stdscr);
    return doupdate() == ERR || ferror(stdout) ? -1 : 0;
}

void terminal_hide_cursor(void) { if (screen) curs_set(0); }

int terminal_read(uint32_t *value) {
    if (screen == NULL) return -1;
    wint_t read = 0;
    int kind = wget_wch(stdscr, &read);
    if (kind == ERR) return 0;
    *value = (uint32_t)read;
    return kind == KEY_CODE_YES ? 2 : 1;
}

bool terminal_read_mouse(struct terminal_mouse *event) {
    MEVENT found;
    if (getmouse(&found) != OK) return false;
    event->x = found.x;
    event->y = found.y;
    if (found.bstate & BUTTON1_DOUBLE_CLICKED) event->kind = TERMINAL_MOUSE_DOUBLE;
    else if (found.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED)) event->kind = TERMINAL_MOUSE_PRESS;
    else if (found.bstate & BUTTON1_RELEASED) event->kind = TERMINAL_MOUSE_RELEASE;
    else if (found.bstate & BUTTON4_PRESSED) event->kind = TERMINAL_MOUSE_WHEEL_UP;
    else if (found.bstate & BUTTON5_PRESSED) event->kind = TERMINAL_MOUSE_WHEEL_DOWN;
    else if (found.bstate & REPORT_MOUSE_POSITION) event->kind = TERMINAL_MOUSE_MOVE;
    else event->kind = TERMINAL_MOUSE_NONE;
    return true;
}

void terminal_set_mouse(bool on) {
    if (screen == NULL) return;
    mousemask(on ? (BUTTON1_PRESSED | BUTTON1_RELEASED | BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED | REPORT_MOUSE_POSITION) : 0, NULL);
    fflush(stdout);
    // Drags are reported in this mode alone, which few terminal descriptions ask for.
    write_all(on ? "\033[?1002h" : "\033[?1002l");
}

void terminal_set_paste(bool on) {
    if (screen == NULL) return;
    fflush(stdout);
    write_all(on ? "\033[?2004h" : "\033[?2004l");
}

int terminal_key_resize(void) { return KEY_RESIZE; }
int terminal_key_mouse(void) { return KEY_MOUSE; }
int terminal_key_up(void) { return KEY_UP; }
int terminal_key_down(void) { return KEY_DOWN; }
int terminal_key_left(void) { return KEY_LEFT; }
int terminal_key_right(void) { return KEY_RIGHT; }
int terminal_key_home(void) { return KEY_HOME; }
int terminal_key_end(void) { return KEY_END; }
int terminal_key_page_up(void) { return KEY_PPAGE; }
int terminal_key_page_down(void) { return KEY_NPAGE; }
int terminal_key_backspace(void) { return KEY_BACKSPACE; }
int terminal_key_delete(void) { return KEY_DC; }
int terminal_key_enter(void) { return KEY_ENTER; }
int terminal_key_back_tab(void) { return KEY_BTAB; }
int terminal_key_shift_left(void) { return KEY_SLEFT; }
int terminal_key_shift_right(void) { return KEY_SRIGHT; }
int terminal_key_function(int number) { return KEY_F(number); }
int terminal_key_paste_begin(void) { return KEY_PASTE_BEGIN; }
int terminal_key_paste_end(void) { return KEY_PASTE_END; }

// MARK: crash

void terminal_restore_raw(void) {
    if (!is_open) return;
    is_open = 0;
    // Mouse and paste off, attributes and cursor back, the alternate screen left.
    write_all("\033[?1000l\033[?1002l\033[?1003l\033[?1006l\033[?2004l\033[0m\033[?25h\033[?1049l\r\n");
    if (has_saved_settings) tcsetattr(STDIN_FILENO, TCSANOW, &saved_settings);
}

static void on_crash(int number) {
    terminal_restore_raw();
    signal(number, SIG_DFL);
    raise(number);
}

void terminal_install_crash_handlers(void) {
    // The handler needs a stack of its own: a crash may be an overflow of the other one.
    static char stack[64 * 1024];
    stack_t own = {.ss_sp = stack, .ss_size = sizeof stack, .ss_flags = 0};
    sigaltstack(&own, NULL);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_crash;
    action.sa_flags = SA_ONSTACK | SA_NODEFER;
    const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT, SIGQUIT};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
}

// MARK: signals

static atomic_int interrupts, terminates, hangups, continues, suspends;
static atomic_int wake = -1;

static void on_signal(int number) {
    int saved = errno;
    switch (number) {
    case SIGINT: atomic_fetch_add(&interrupts, 1); break;
    case SIGTERM: atomic_fetch_add(&terminates, 1); break;
    case SIGHUP: atomic_fetch_add(&hangups, 1); break;
    case SIGTSTP: atomic_fetch_add(&suspends, 1); break;
    case SIGCONT: atomic_fetch_add(&continues, 1); break;
    default: break;
    }
    int fd = atomic_load(&wake);
    if (fd >= 0) {
        uint64_t one = 1;
        ssize_t ignored = write(fd, &one, sizeof one);
        (void)ignored;
    }
    errno = saved;
}

void terminal_install_signals(int wake_fd) {
    atomic_store(&wake, wake_fd);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    // No SA_RESTART: poll has to come back. No SIGWINCH: that one is ncurses' own.
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGCONT, SIGTSTP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
    // A parent whose threads block signals (Dispatch workers do) hands its mask down.
    sigset_t wanted;
    sigemptyset(&wanted);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaddset(&wanted, numbers[i]);
    sigaddset(&wanted, SIGWINCH);
    pthread_sigmask(SIG_UNBLOCK, &wanted, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int terminal_take_interrupts(void) { return atomic_exchange(&interrupts, 0); }
int terminal_take_terminates(void) { return atomic_exchange(&terminates, 0); }
int terminal_take_hangups(void) { return atomic_exchange(&hangups, 0); }
int terminal_take_suspends(void) { return atomic_exchange(&suspends, 0); }
int terminal_take_continues(void) { return atomic_exchange(&continues, 0); }

void terminal_stop_self(void) {
    // SIGSTOP for the whole group, as the terminal's own Ctrl-Z does; the shell waits for it.
    kill(0, SIGSTOP);
}

// MARK: waiting

int terminal_make_event(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void terminal_close_event(int fd) { close(fd); }

void terminal_raise_event(int fd) {
    uint64_t one = 1;
    ssize_t ignored = write(fd, &one, sizeof one);
    (void)ignored;
}

void terminal_clear_event(int fd) {
    uint64_t value;
    ssize_t ignored = read(fd, &value, sizeof value);
    (void)ignored;
}

int terminal_wait(int event_fd, int timeout_ms, bool watch_input) {
    struct pollfd places[2] = {
        {.fd = event_fd, .events = POLLIN, .revents = 0},
        {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
    };
    int found = poll(places, watch_input ? 2 : 1, timeout_ms);
    if (found <= 0) return 0;
    int result = 0;
    if (places[0].revents & POLLIN) result |= 2;
    if (watch_input) {
        if (places[1].revents & POLLIN) result |= 1;
        else if (places[1].revents & (POLLHUP | POLLERR | POLLNVAL)) result |= 4;
    }
    return result;
}
