package firsthand.ui

import androidx.compose.foundation.BorderStroke
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.ExperimentalLayoutApi
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.selection.selectable
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.foundation.text.KeyboardOptions
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Button
import androidx.compose.material3.ButtonDefaults
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.input.KeyboardType
import androidx.compose.ui.text.input.PasswordVisualTransformation
import androidx.compose.ui.text.input.VisualTransformation
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp
import firsthand.presentation.Problem

/** What a gloved thumb hits without looking. */
internal val TARGET = 56.dp

private val shape = RoundedCornerShape(10.dp)

/** A screen: its title, a remark about what went wrong, and what it shows; all of it scrolls. */
@Composable
internal fun Page(
    title: String,
    problem: Problem? = null,
    dismiss: () -> Unit = {},
    content: @Composable ColumnScope.() -> Unit,
) {
    Surface(Modifier.fillMaxSize(), color = MaterialTheme.colorScheme.background) {
        Column(
            Modifier.fillMaxWidth().verticalScroll(rememberScrollState()).padding(16.dp),
            verticalArrangement = Arrangement.spacedBy(12.dp),
        ) {
            Text(
                title,
                Modifier.semantics { heading() },
                style = MaterialTheme.typography.headlineMedium,
                fontWeight = FontWeight.SemiBold,
            )
            if (problem != null) Remark(problem, dismiss)
            content()
        }
    }
}

/** What went wrong and what to do about it; a screen reader says it at once. */
@Composable
internal fun Remark(problem: Problem, dismiss: () -> Unit) {
    val texts = LocalTexts.current
    Surface(
        Modifier.fillMaxWidth(),
        shape = shape,
        border = BorderStroke(2.dp, MaterialTheme.colorScheme.error),
        color = MaterialTheme.colorScheme.surface,
    ) {
        Column(Modifier.padding(12.dp), verticalArrangement = Arrangement.spacedBy(8.dp)) {
            Column(Modifier.semantics(mergeDescendants = true) { liveRegion = LiveRegionMode.Assertive }) {
                Text(texts.commonProblem, fontWeight = FontWeight.Bold, color = MaterialTheme.colorScheme.error)
                Text(texts.problem(problem), style = MaterialTheme.typography.bodyLarge)
            }
            Plain(texts.commonDismiss, onClick = dismiss)
        }
    }
}

/** The one thing that a screen is for. */
@Composable
internal fun Main(text: String, enabled: Boolean = true, large: Boolean = false, onClick: () -> Unit) {
    Button(
        onClick,
        Modifier.fillMaxWidth().heightIn(min = if (large) 96.dp else TARGET),
        enabled = enabled,
        shape = shape,
        colors = ButtonDefaults.buttonColors(
            // What cannot be pressed yet stays readable.
            disabledContainerColor = MaterialTheme.colorScheme.surfaceVariant,
            disabledContentColor = MaterialTheme.colorScheme.onSurfaceVariant,
        ),
    ) {
        val style = if (large) MaterialTheme.typography.headlineSmall else MaterialTheme.typography.titleMedium
        Text(text, style = style, textAlign = TextAlign.Center)
    }
}

/** Something else that a screen offers. */
@Composable
internal fun Plain(text: String, modifier: Modifier = Modifier.fillMaxWidth(), enabled: Boolean = true, onClick: () -> Unit) {
    OutlinedButton(
        onClick,
        modifier.heightIn(min = TARGET),
        enabled = enabled,
        shape = shape,
        border = BorderStroke(1.dp, MaterialTheme.colorScheme.outline),
        colors = ButtonDefaults.outlinedButtonColors(disabledContentColor = MaterialTheme.colorScheme.onSurfaceVariant),
    ) {
        Text(text, style = MaterialTheme.typography.titleMedium, textAlign = TextAlign.Center)
    }
}

/** A field with its name above it, where there is room for it in large letters; a screen reader says it with the field. */
@Composable
internal fun Field(
    label: String,
    value: String,
    modifier: Modifier = Modifier.fillMaxWidth(),
    /** What a screen reader says, where the label needs what stands around it. */
    spoken: String = label,
    lines: Int = 1,
    keyboard: KeyboardType = KeyboardType.Text,
    secret: Boolean = false,
    enabled: Boolean = true,
    onChange: (String) -> Unit,
) {
    Column(modifier) {
        Text(label, style = MaterialTheme.typography.labelLarge, color = MaterialTheme.colorScheme.onSurfaceVariant)
        OutlinedTextField(
            value,
            onChange,
            Modifier.fillMaxWidth().heightIn(min = TARGET).semantics { contentDescription = spoken },
            enabled = enabled,
            // What is typed wraps; only what has no spaces runs on in one line.
            singleLine = secret || keyboard != KeyboardType.Text,
            minLines = lines,
            shape = shape,
            textStyle = MaterialTheme.typography.bodyLarge,
            // Nothing of a secret goes to what a keyboard learns.
            keyboardOptions = KeyboardOptions(
                keyboardType = if (secret) KeyboardType.Password else keyboard,
                autoCorrectEnabled = if (secret) false else null,
            ),
            visualTransformation = if (secret) PasswordVisualTransformation() else VisualTransformation.None,
        )
    }
}

/** Two things side by side; one above the other where letters are so large that words would be broken. */
@Composable
internal fun Beside(first: @Composable (Modifier) -> Unit, second: @Composable (Modifier) -> Unit) {
    if (hasLargeLetters()) {
        first(Modifier.fillMaxWidth())
        second(Modifier.fillMaxWidth())
    } else {
        Row(Modifier.fillMaxWidth(), horizontalArrangement = Arrangement.spacedBy(8.dp)) {
            first(Modifier.weight(1f))
            second(Modifier.weight(1f))
        }
    }
}

@Composable
internal fun hasLargeLetters() = LocalDensity.current.fontScale > 1.3f

/** One line of a list, as one thing to touch and to hear. */
@Composable
internal fun Line(onClick: (() -> Unit)? = null, alarming: Boolean = false, content: @Composable ColumnScope.() -> Unit) {
    val colours = MaterialTheme.colorScheme
    val border = if (alarming) BorderStroke(3.dp, colours.error) else BorderStroke(1.dp, colours.outlineVariant)
    val inner: @Composable () -> Unit = {
        Column(
            Modifier.fillMaxWidth().heightIn(min = TARGET).padding(12.dp).semantics(mergeDescendants = onClick == null) {},
            verticalArrangement = Arrangement.spacedBy(4.dp),
            content = content,
        )
    }
    if (onClick == null) {
        Surface(Modifier.fillMaxWidth(), shape = shape, border = border, color = colours.surface, content = inner)
    } else {
        Surface(onClick, Modifier.fillMaxWidth(), shape = shape, border = border, color = colours.surface, content = inner)
    }
}

/** A name and what stands behind it. */
@Composable
internal fun Pair(name: String, value: String) {
    Column(Modifier.fillMaxWidth().semantics(mergeDescendants = true) {}) {
        Text(name, style = MaterialTheme.typography.labelLarge, color = MaterialTheme.colorScheme.onSurfaceVariant)
        Text(value, style = MaterialTheme.typography.bodyLarge)
    }
}

@Composable
internal fun Heading(text: String) = Text(
    text,
    Modifier.padding(top = 8.dp).semantics { heading() },
    style = MaterialTheme.typography.titleLarge,
)

@Composable
internal fun Strong(text: String) = Text(text, style = MaterialTheme.typography.titleMedium, fontWeight = FontWeight.SemiBold)

@Composable
internal fun Small(text: String) =
    Text(text, style = MaterialTheme.typography.bodyMedium, color = MaterialTheme.colorScheme.onSurfaceVariant)

/** Something that somebody has to look at: said in words and with a sign, in another colour beside that. */
@Composable
internal fun Alarm(text: String) = Text(
    "▲ $text",
    style = MaterialTheme.typography.titleMedium,
    fontWeight = FontWeight.Bold,
    color = MaterialTheme.colorScheme.error,
)

/** A few short remarks side by side, as far as there is room. */
@OptIn(ExperimentalLayoutApi::class)
@Composable
internal fun Tags(tags: List<String>) {
    if (tags.isEmpty()) return
    FlowRow(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalArrangement = Arrangement.spacedBy(4.dp)) {
        for (tag in tags) {
            Surface(shape = RoundedCornerShape(6.dp), color = MaterialTheme.colorScheme.surfaceVariant) {
                Text(
                    tag,
                    Modifier.padding(horizontal = 8.dp, vertical = 2.dp),
                    style = MaterialTheme.typography.bodyMedium,
                    color = MaterialTheme.colorScheme.onSurfaceVariant,
                )
            }
        }
    }
}

/** One of several values. The chosen one has a tick and a thicker border beside its colour. */
@OptIn(ExperimentalLayoutApi::class)
@Composable
internal fun <T> Choices(options: List<T>, chosen: T?, label: (T) -> String, choose: (T) -> Unit) {
    FlowRow(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalArrangement = Arrangement.spacedBy(8.dp)) {
        for (option in options) {
            val isChosen = option == chosen
            val colours = MaterialTheme.colorScheme
            Surface(
                Modifier.selectable(isChosen, role = Role.RadioButton) { choose(option) },
                shape = shape,
                border = BorderStroke(if (isChosen) 3.dp else 1.dp, if (isChosen) colours.primary else colours.outline),
                color = if (isChosen) colours.secondaryContainer else colours.surface,
            ) {
                Row(
                    Modifier.heightIn(min = TARGET).widthIn(min = TARGET).padding(horizontal = 14.dp),
                    verticalAlignment = Alignment.CenterVertically,
                ) {
                    Text(
                        if (isChosen) "✓ ${label(option)}" else label(option),
                        style = MaterialTheme.typography.titleMedium,
                        color = if (isChosen) colours.onSecondaryContainer else colours.onSurface,
                    )
                }
            }
        }
    }
}
