package firsthand.ui

import androidx.compose.material3.ColorScheme
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Typography
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.runtime.CompositionLocalProvider
import androidx.compose.runtime.staticCompositionLocalOf
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.LocalLayoutDirection
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.style.TextDirection
import androidx.compose.ui.unit.LayoutDirection
import firsthand.texts.Texts

/** What the screens say, in the person's language. */
val LocalTexts = staticCompositionLocalOf<Texts> { error("no texts were provided") }

private val light: ColorScheme = lightColorScheme(
    primary = Color(0xFF0B4A82),
    onPrimary = Color.White,
    secondaryContainer = Color(0xFFD5E5F5),
    onSecondaryContainer = Color(0xFF10243A),
    background = Color(0xFFFBFCFD),
    onBackground = Color(0xFF12161A),
    surface = Color(0xFFFBFCFD),
    onSurface = Color(0xFF12161A),
    surfaceVariant = Color(0xFFE9EDF1),
    onSurfaceVariant = Color(0xFF3A434C),
    surfaceContainer = Color(0xFFEEF1F4),
    outline = Color(0xFF56606A),
    outlineVariant = Color(0xFF8A949E),
    error = Color(0xFF9C1414),
    onError = Color.White,
)

// Nearly black, so that a phone at night lights nobody's face; letters a little softer than white.
private val dark: ColorScheme = darkColorScheme(
    primary = Color(0xFFA3CDF8),
    onPrimary = Color(0xFF06233F),
    secondaryContainer = Color(0xFF21384F),
    onSecondaryContainer = Color(0xFFDCE9F6),
    background = Color(0xFF0A0C0E),
    onBackground = Color(0xFFE4E8EC),
    surface = Color(0xFF0A0C0E),
    onSurface = Color(0xFFE4E8EC),
    surfaceVariant = Color(0xFF1C2228),
    onSurfaceVariant = Color(0xFFC2CAD2),
    surfaceContainer = Color(0xFF161B20),
    outline = Color(0xFF98A2AC),
    outlineVariant = Color(0xFF5C6670),
    error = Color(0xFFFFB4A9),
    onError = Color(0xFF4A0404),
)

/** What people write runs the way of its own language, whatever the screen's is. */
private fun TextStyle.ownWay() = copy(textDirection = TextDirection.Content)

private val typography = Typography().run {
    copy(
        headlineMedium = headlineMedium.ownWay(),
        headlineSmall = headlineSmall.ownWay(),
        titleLarge = titleLarge.ownWay(),
        titleMedium = titleMedium.ownWay(),
        bodyLarge = bodyLarge.ownWay(),
        bodyMedium = bodyMedium.ownWay(),
        labelLarge = labelLarge.ownWay(),
    )
}

/** Colours, texts and the direction in which they are read. */
@Composable
fun FirsthandTheme(texts: Texts, isDark: Boolean, content: @Composable () -> Unit) {
    val direction = if (texts.language in RIGHT_TO_LEFT) LayoutDirection.Rtl else LayoutDirection.Ltr
    CompositionLocalProvider(LocalTexts provides texts, LocalLayoutDirection provides direction) {
        MaterialTheme(colorScheme = if (isDark) dark else light, typography = typography, content = content)
    }
}

private val RIGHT_TO_LEFT = setOf("ar", "fa", "he", "ur")
