import FirsthandCore
import FirsthandShell
import SwiftUI

/// The list of incidents, newest first.
struct IncidentsView: View {
    let screen: IncidentsScreen
    let open: @MainActor (Above) -> Void

    var body: some View {
        let shown = screen.shown
        Page(Texts.incidentsTitle, shown.problem, dismiss: screen.dismiss) {
            Main(Texts.logOpen) { open(.log) }
            Field(Texts.incidentsSearch, shown.search) { screen.search($0) }
            if shown.loaded && shown.rows.isEmpty {
                Text(shown.search.isEmpty ? Texts.incidentsEmpty : Texts.incidentsNothingFound)
            }
            // Only the lines that are seen are made.
            LazyVStack(spacing: 8) {
                ForEach(shown.rows, id: \.id) { row in
                    Button(action: { open(.incident(row.id)) }) { RowView(row: row) }.buttonStyle(.plain)
                }
            }
            if shown.more { Plain(Texts.incidentsMore) { screen.more() } }
        }
    }
}

private struct RowView: View {
    let row: IncidentItem

    var body: some View {
        Framed(alarming: row.conflicts > 0) {
            Text(row.title.isEmpty ? Texts.incidentsUntitled : row.title).font(.headline)
            Text(tags.joined(separator: " · "))
            if let lat = row.lat, let lon = row.lon {
                Text(Place(lat: lat, lon: lon, accuracyM: row.accuracy, source: .gps).words)
            } else {
                Text(Texts.incidentsNoPlace)
            }
            if row.conflicts > 0 { Text("▲ \(Texts.incidentsConflicts(Int(row.conflicts)))").bold() }
            if row.files > 0 { Text(Texts.incidentsFiles(Int(row.files))) }
            if row.flags > 0 { Text(Texts.incidentsFlags(Int(row.flags))) }
        }
        .accessibilityElement(children: .combine)
    }

    private var tags: [String] {
        [apart(row.shortCode), row.severity?.label, row.status?.label].compactMap { $0 }
    }
}

/// One incident with its history and conflicts.
struct IncidentView: View {
    let screen: IncidentScreen
    let back: @MainActor () -> Void

    var body: some View {
        let shown = screen.shown
        let title = shown.detail?.record.title ?? ""
        Page(title.isEmpty ? Texts.incidentsUntitled : title, shown.problem, dismiss: screen.dismiss) {
            if let detail = shown.detail {
                standing(detail)
                ForEach(detail.conflicts, id: \.field) { conflict in
                    ConflictView(conflict: conflict, record: detail.record) {
                        screen.resolve(field: conflict.field, candidate: $0)
                    }
                }
                if let settled = shown.settled {
                    Text("✓ \(settled == .counts ? Texts.incidentCounted : Texts.incidentProposed)").bold()
                }
                facts(detail)
                files(detail)
                Text(Texts.incidentHistory).font(.title2).accessibilityAddTraits(.isHeader)
                ForEach(shown.history, id: \.self) { StepView(step: $0) }
            }
            Plain(Texts.commonBack, act: back)
        }
    }

    @ViewBuilder
    private func standing(_ detail: IncidentDetail) -> some View {
        let tags = [apart(detail.shortCode), detail.record.severity?.label, detail.record.status?.label]
        Text(tags.compactMap { $0 }.joined(separator: " · "))
        switch detail.reach {
        case .onlyHere: Text(Texts.incidentOnlyHere)
        case .changesOnlyHere: Text(Texts.incidentChangesOnlyHere)
        case .shared: Text(Texts.incidentShared)
        }
        if detail.waiting > 0 { Text(Texts.incidentWaiting(Int(detail.waiting))) }
    }

    /// What is known, in the order in which it was asked for.
    @ViewBuilder
    private func facts(_ detail: IncidentDetail) -> some View {
        let entry = Entry(of: detail.record)
        let size = entry.from == entry.to ? entry.from : [entry.from, entry.to].filter { !$0.isEmpty }.joined(separator: "–")
        let facts = [
            (Texts.fieldNarrative, entry.details), (Texts.fieldCounts, size), (Texts.fieldPlaceText, entry.place),
            (Texts.fieldPlace, entry.position?.words ?? ""), (Texts.fieldActors, entry.unit),
            (Texts.fieldOccurred, entry.time?.time.words ?? ""), (Texts.fieldWeapons, entry.equipment),
        ]
        ForEach(facts.filter { !$0.1.isEmpty }, id: \.0) { Fact($0.0, $0.1) }
        if let created = detail.created { Text(Texts.incidentEntered(apart(detail.author), created.words)) }
        if let estimated = detail.estimated { Text("▲ \(Texts.incidentProbably(estimated.words))").bold() }
    }

    @ViewBuilder
    private func files(_ detail: IncidentDetail) -> some View {
        if !detail.files.isEmpty {
            Text(Texts.incidentFiles).font(.title2).accessibilityAddTraits(.isHeader)
            ForEach(detail.files, id: \.document) { file in
                Text(file.here ? Texts.incidentFileHere(apart(file.name)) : Texts.incidentFilePending(apart(file.name)))
            }
        }
    }
}

private struct ConflictView: View {
    let conflict: Conflict
    let record: Incident
    let choose: @MainActor (String) -> Void

    var body: some View {
        Framed(alarming: true) {
            Text("▲ \(Texts.incidentConflict(fieldLabel(conflict.field)))").bold()
            let acted = record.value(of: conflict.field)
            if !acted.isEmpty { Text(Texts.incidentActsOn(acted)) }
            ForEach(conflict.candidates, id: \.key) { candidate in
                let value = apart(candidate.value.value(of: conflict.field))
                Text(Texts.incidentCandidate(value, apart(candidate.person)))
                Plain(Texts.incidentChoose(value)) { choose(candidate.key) }
            }
        }
    }
}

private struct StepView: View {
    let step: HistoryStep

    var body: some View {
        let person = apart(step.person)
        Framed {
            Text(step.created ? Texts.incidentCreated(person) : Texts.incidentChanged(person, fieldLabel(step.field))).bold()
            if let when = step.when { Text(when.words).font(.footnote) }
            // In words: an arrow would point the wrong way where one reads from right to left.
            if let before = step.before { Text(Texts.incidentBefore(apart(noted(step.field, before)))) }
            if let after = step.after { Text(Texts.incidentAfter(apart(noted(step.field, after)))) }
        }
        .accessibilityElement(children: .combine)
    }
}
