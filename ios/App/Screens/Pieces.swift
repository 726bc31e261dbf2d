import FirsthandShell
import SwiftUI

/// The smallest side of what can be touched: Apple asks for 44 points, and hands in gloves for more.
let target: CGFloat = 48

/// A screen: its title, what went wrong, and what it shows, from top to bottom.
struct Page<Content: View>: View {
    let title: String
    let problem: Problem?
    let dismiss: @MainActor () -> Void
    let content: Content

    init(_ title: String, _ problem: Problem? = nil, dismiss: @escaping @MainActor () -> Void = {}, @ViewBuilder content: () -> Content) {
        self.title = title
        self.problem = problem
        self.dismiss = dismiss
        self.content = content()
    }

    var body: some View {
        ScrollView {
            VStack(alignment: .leading, spacing: 12) {
                Text(title).font(.largeTitle).bold().accessibilityAddTraits(.isHeader)
                if let problem {
                    Framed(alarming: true) {
                        Text("▲ \(problem.text)").accessibilityLabel("\(Texts.commonProblem): \(problem.text)")
                        Plain(Texts.commonDismiss, act: dismiss)
                    }
                }
                content
            }
            .frame(maxWidth: .infinity, alignment: .leading)
            .padding(16)
        }
    }
}

/// What belongs together, in a frame. What alarms has a thicker one, not only another colour.
struct Framed<Content: View>: View {
    let alarming: Bool
    let content: Content

    init(alarming: Bool = false, @ViewBuilder content: () -> Content) {
        self.alarming = alarming
        self.content = content()
    }

    var body: some View {
        VStack(alignment: .leading, spacing: 8) { content }
            .frame(maxWidth: .infinity, alignment: .leading)
            .padding(12)
            .overlay(
                RoundedRectangle(cornerRadius: 10)
                    .stroke(alarming ? Color.primary : Color.secondary, lineWidth: alarming ? 3 : 1))
    }
}

/// The one thing that a screen is for.
struct Main: View {
    let label: String
    let act: @MainActor () -> Void

    init(_ label: String, act: @escaping @MainActor () -> Void) {
        self.label = label
        self.act = act
    }

    var body: some View {
        Button(action: act) { Text(label).font(.headline).frame(maxWidth: .infinity, minHeight: target) }
            .buttonStyle(.borderedProminent)
    }
}

/// Anything else that can be done.
struct Plain: View {
    let label: String
    let act: @MainActor () -> Void

    init(_ label: String, act: @escaping @MainActor () -> Void) {
        self.label = label
        self.act = act
    }

    var body: some View {
        Button(action: act) { Text(label).frame(maxWidth: .infinity, minHeight: target) }.buttonStyle(.bordered)
    }
}

/// What a person types. Its name stays above it, where a placeholder would go away.
struct Field: View {
    let label: String
    let text: String
    let lines: Int
    let keyboard: UIKeyboardType
    let spoken: String?
    let change: @MainActor (String) -> Void

    init(
        _ label: String, _ text: String, lines: Int = 1, keyboard: UIKeyboardType = .default, spoken: String? = nil,
        change: @escaping @MainActor (String) -> Void
    ) {
        self.label = label
        self.text = text
        self.lines = lines
        self.keyboard = keyboard
        self.spoken = spoken
        self.change = change
    }

    var body: some View {
        VStack(alignment: .leading, spacing: 4) {
            Text(label).font(.subheadline).accessibilityHidden(true)
            TextField("", text: Binding(get: { text }, set: { @MainActor in change($0) }), axis: .vertical)
                .lineLimit(lines...)
                .keyboardType(keyboard)
                .frame(minHeight: target)
                .textFieldStyle(.roundedBorder)
                .accessibilityLabel(spoken ?? label)
        }
    }
}

/// What a person types and nobody sees.
struct Secret: View {
    let label: String
    @Binding var text: String

    var body: some View {
        VStack(alignment: .leading, spacing: 4) {
            Text(label).font(.subheadline).accessibilityHidden(true)
            SecureField("", text: $text)
                .frame(minHeight: target)
                .textFieldStyle(.roundedBorder)
                .accessibilityLabel(label)
        }
    }
}

/// A name and its value, read as one.
struct Fact: View {
    let name: String
    let value: String

    init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    var body: some View {
        VStack(alignment: .leading, spacing: 2) {
            Text(name).font(.subheadline)
            Text(value)
        }
        .accessibilityElement(children: .combine)
    }
}

/// One of several values. The chosen one has a sign, a frame and a trait.
struct Choices<Value: Hashable>: View {
    let all: [Value]
    let chosen: Value?
    let label: (Value) -> String
    let choose: @MainActor (Value) -> Void

    var body: some View {
        ForEach(all, id: \.self) { value in
            let isChosen = value == chosen
            Button(action: { choose(value) }) {
                Text("\(isChosen ? "●" : "○") \(label(value))").frame(maxWidth: .infinity, minHeight: target, alignment: .leading)
            }
            .buttonStyle(.bordered)
            .accessibilityLabel(label(value))
            .accessibilityAddTraits(isChosen ? .isSelected : [])
        }
    }
}
