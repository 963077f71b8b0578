import CTerminal
import Screen

/// Turns what curses reads into inputs.
struct InputReader {
    private var isPasting = false
    private var pasted = ""
    private let codes: [UInt32: Key]
    /// How often input was ready but nothing came: the sign of a terminal that is gone.
    private(set) var emptyReads = 0

    init() {
        var codes: [UInt32: Key] = [
            UInt32(terminal_key_up()): .up, UInt32(terminal_key_down()): .down, UInt32(terminal_key_left()): .left, UInt32(terminal_key_right()): .right,
            UInt32(terminal_key_home()): .home, UInt32(terminal_key_end()): .end, UInt32(terminal_key_page_up()): .pageUp,
            UInt32(terminal_key_page_down()): .pageDown, UInt32(terminal_key_backspace()): .backspace, UInt32(terminal_key_delete()): .delete,
            UInt32(terminal_key_enter()): .enter, UInt32(terminal_key_back_tab()): .backTab, UInt32(terminal_key_shift_left()): .shiftLeft,
            UInt32(terminal_key_shift_right()): .shiftRight,
        ]
        for number in 1...12 { codes[UInt32(terminal_key_function(Int32(number)))] = .function(number) }
        self.codes = codes
    }

    /// Everything that can be read without waiting. `expected`: the poll said that there is something.
    mutating func read(expected: Bool) -> [Input] {
        var inputs: [Input] = []
        var value: UInt32 = 0
        var count = 0
        while count < 4096 {
            let kind = terminal_read(&value)
            guard kind > 0 else { break }
            count += 1
            if kind == 2 { readCode(value, &inputs) } else { readCharacter(value, &inputs) }
        }
        emptyReads = expected && count == 0 ? emptyReads + 1 : 0
        return inputs
    }

    private mutating func readCode(_ code: UInt32, _ inputs: inout [Input]) {
        if code == UInt32(terminal_key_paste_begin()) {
            isPasting = true
            pasted = ""
        } else if code == UInt32(terminal_key_paste_end()) {
            isPasting = false
            inputs.append(.paste(pasted))
        } else if code == UInt32(terminal_key_resize()) {
            let size = Size(Int(terminal_columns()), Int(terminal_rows()))
            inputs.append(.resize(size))
        } else if code == UInt32(terminal_key_mouse()) {
            var event = terminal_mouse()
            guard terminal_read_mouse(&event) else { return }
            let kind: MouseEvent.Kind
            switch Int(event.kind) {
            case TERMINAL_MOUSE_PRESS: kind = .press
            case TERMINAL_MOUSE_RELEASE: kind = .release
            case TERMINAL_MOUSE_DOUBLE: kind = .doubleClick
            case TERMINAL_MOUSE_WHEEL_UP: kind = .wheelUp
            case TERMINAL_MOUSE_WHEEL_DOWN: kind = .wheelDown
            case TERMINAL_MOUSE_MOVE: kind = .drag
            default: return
            }
            inputs.append(.mouse(MouseEvent(kind, x: Int(event.x), y: Int(event.y))))
        } else if let key = codes[code], !isPasting {
            inputs.append(.key(key))
        }
    }

    private mutating func readCharacter(_ value: UInt32, _ inputs: inout [Input]) {
        guard let scalar = Unicode.Scalar(value) else { return }
        if isPasting {
            // An endless paste is cut, not kept in memory.
            if pasted.utf8.count < 1 << 16 { pasted.unicodeScalars.append(scalar) }
            return
        }
        switch value {
        case 13, 10: inputs.append(.key(.enter))
        case 9: inputs.append(.key(.tab))
        case 27: inputs.append(.key(.escape))
        case 127, 8: inputs.append(.key(.backspace))
        case 1...26:
            if let letter = Unicode.Scalar(value + 96) { inputs.append(.key(.control(Character(letter)))) }
        case 0..<32: break
        default: inputs.append(.key(.character(Character(scalar))))
        }
    }
}
