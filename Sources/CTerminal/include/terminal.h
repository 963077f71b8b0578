// What ncurses offers only as macros, globals or variadic functions, as plain functions.
#ifndef MAPLE_TERMINAL_H
#define MAPLE_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

/// Sets the locale from the environment; true when its character set is UTF-8.
bool terminal_set_locale(void);

/// Opens the terminal on standard input and output. Returns 0, or -1 when the terminal type is unknown or not fit.
/// `type` names a terminal description; NULL takes TERM.
int terminal_open(const char *type, int escape_delay_ms);
/// Ends curses and frees it. Safe to call twice.
void terminal_close(void);
/// Leaves curses for a while (suspend) and comes back.
void terminal_leave(void);
void terminal_return(void);

int terminal_columns(void);
int terminal_rows(void);
/// Number of colours that the terminal type has; 0 for none. 0x1000000 for direct colour.
int terminal_colors(void);
int terminal_color_pairs(void);
bool terminal_is_direct(void);

/// Defines a colour pair; -1 is the terminal's own colour. Returns 0 when it was taken.
int terminal_define_pair(int pair, int foreground, int background);
/// Attribute bits, as in `TERMINAL_BOLD` below.
enum { TERMINAL_BOLD = 1, TERMINAL_DIM = 2, TERMINAL_ITALIC = 4, TERMINAL_UNDERLINE = 8, TERMINAL_REVERSE = 16 };
/// Puts one cell: a zero-terminated sequence of at most five scalars, the first of them spacing.
void terminal_put(int y, int x, const uint32_t *scalars, int count, int attributes, int pair);
/// Forgets what is on the screen, so that the next flush sends everything.
void terminal_touch_all(void);
/// Sends what changed since the last flush. Returns 0, or -1 when the terminal is gone.
int terminal_flush(void);
void terminal_hide_cursor(void);

/// A key or character read without waiting. Returns 0 for none, 1 for a character, 2 for a key code, -1 on error.
int terminal_read(uint32_t *value);
struct terminal_mouse { int x, y; uint32_t kind; };
enum { TERMINAL_MOUSE_NONE, TERMINAL_MOUSE_PRESS, TERMINAL_MOUSE_RELEASE, TERMINAL_MOUSE_DOUBLE, TERMINAL_MOUSE_WHEEL_UP, TERMINAL_MOUSE_WHEEL_DOWN, TERMINAL_MOUSE_MOVE };
bool terminal_read_mouse(struct terminal_mouse *event);
void terminal_set_mouse(bool on);
/// Brackets pastes, or no longer.
void terminal_set_paste(bool on);

/// Key codes.
int terminal_key_resize(void);
int terminal_key_mouse(void);
int terminal_key_up(void);
int terminal_key_down(void);
int terminal_key_left(void);
int terminal_key_right(void);
int terminal_key_home(void);
int terminal_key_end(void);
int terminal_key_page_up(void);
int terminal_key_page_down(void);
int terminal_key_backspace(void);
int terminal_key_delete(void);
int terminal_key_enter(void);
int terminal_key_back_tab(void);
int terminal_key_shift_left(void);
int terminal_key_shift_right(void);
int terminal_key_function(int number);
/// Codes for the marks around a paste, defined at opening.
int terminal_key_paste_begin(void);
int terminal_key_paste_end(void);

/// Restores the terminal when the program crashes (SEGV, BUS, ILL, TRAP, FPE, ABRT), then lets the signal do its work.
void terminal_install_crash_handlers(void);
/// Writes the sequences that bring a terminal back, with async-signal-safe calls alone.
void terminal_restore_raw(void);

/// Signals become bytes of a counter: each returns how often it came since the last call.
void terminal_install_signals(int wake_fd);
int terminal_take_interrupts(void);
int terminal_take_terminates(void);
int terminal_take_hangups(void);
int terminal_take_suspends(void);
int terminal_take_continues(void);
/// Stops the process as Ctrl-Z does; returns after SIGCONT.
void terminal_stop_self(void);

/// An event counter to wake a poll; -1 on failure.
int terminal_make_event(void);
void terminal_close_event(int fd);
void terminal_raise_event(int fd);
void terminal_clear_event(int fd);
/// Waits for input or the event. Bit 0: input, bit 1: event, bit 2: input is gone. 0 on time-out.
int terminal_wait(int event_fd, int timeout_ms, bool watch_input);

#endif
