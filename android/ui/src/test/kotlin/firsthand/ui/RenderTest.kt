package firsthand.ui

import androidx.compose.ui.geometry.Rect
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.asSkiaBitmap
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsNode
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getOrNull
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.SemanticsMatcher
import androidx.compose.ui.test.SkikoComposeUiTest
import androidx.compose.ui.test.runSkikoComposeUiTest
import androidx.compose.ui.text.TextLayoutResult
import androidx.compose.ui.unit.Density
import com.google.zxing.BinaryBitmap
import com.google.zxing.RGBLuminanceSource
import com.google.zxing.common.HybridBinarizer
import com.google.zxing.qrcode.QRCodeReader
import firsthand.texts.Texts
import firsthand.texts.textsOf
import java.io.File
import kotlin.math.roundToInt
import org.jetbrains.skia.Bitmap
import org.jetbrains.skia.EncodedImageFormat
import org.jetbrains.skia.IRect
import org.jetbrains.skia.Image
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory

/**
 * Every screen as it is seen and as a screen reader hears it: on a narrow phone, by day and at night, in large letters, and from right
 * to left. The pictures are in the target folder, to be looked at.
 */
@OptIn(ExperimentalTestApi::class)
class RenderTest {
    private class Look(val name: String, language: String, val isDark: Boolean, val fontScale: Float) {
        val texts: Texts = textsOf(language)
    }

    private val looks = listOf(
        Look("light", "en", false, 1f),
        Look("dark", "es", true, 1f),
        Look("large", "en", false, 2f),
        Look("arabic", "ar", true, 1f),
        Look("arabic-large", "ar", false, 2f),
    )

    @TestFactory
    fun everyScreenCanBeReadAndTouched(): List<DynamicTest> = looks.flatMap { look ->
        scenes.map { scene -> dynamicTest("${scene.name} ${look.name}") { render(scene, look) { check(look) } } }
    }

    @Test
    fun theInvitationCanBeScanned() = render(scenes.single { it.name == "invite" }, looks[1]) {
        val picture = picture()
        val pixels = IntArray(picture.width * picture.height) { picture.getColor(it % picture.width, it / picture.width) }
        val source = RGBLuminanceSource(picture.width, picture.height, pixels)
        assertEquals(INVITATION, QRCodeReader().decode(BinaryBitmap(HybridBinarizer(source))).text)
    }

    private fun render(scene: Scene, look: Look, check: SkikoComposeUiTest.() -> Unit) =
        runSkikoComposeUiTest(Size(WIDTH * SCALE, HEIGHT * SCALE), Density(SCALE, look.fontScale)) {
            setContent { FirsthandTheme(look.texts, look.isDark) { scene.content() } }
            waitForIdle()
            keep(picture(), "${scene.name}-${look.name}")
            check()
        }

    private fun SkikoComposeUiTest.picture(): Bitmap = captureToImage().asSkiaBitmap()

    private fun SkikoComposeUiTest.nodes(unmerged: Boolean): List<SemanticsNode> =
        onAllNodes(SemanticsMatcher("all") { true }, unmerged).fetchSemanticsNodes()

    private fun SkikoComposeUiTest.check(look: Look) {
        val picture = picture()
        val wrong = mutableListOf<String>()
        val texts = nodes(unmerged = true).mapNotNull { node -> textOf(node)?.let { node to it } }
        assertTrue(texts.isNotEmpty())
        for ((node, layout) in texts) {
            val text = layout.layoutInput.text.text
            if (isCut(layout, node)) wrong += "'$text' is cut off"
            brokenWord(layout)?.let { wrong += "'$text' is broken in a word: $it" }
            val whole = Rect(node.positionInRoot, Size(node.size.width.toFloat(), node.size.height.toFloat()))
            if (whole.left < -1 || whole.right > picture.width + 1) wrong += "'$text' leaves the screen at its side"
            val seen = node.boundsInRoot
            if (whole.height > seen.height + 1 || whole.width > seen.width + 1) wrong += "'$text' is hidden in part"
            if (text.isNotBlank()) {
                val contrast = contrast(picture, node.boundsInRoot)
                if (contrast < 4.5) wrong += "'$text' has a contrast of ${(contrast * 100).roundToInt() / 100.0}"
            }
        }
        val touched = nodes(unmerged = false).filter { node ->
            listOf(SemanticsActions.OnClick, SemanticsActions.SetText).any { node.config.contains(it) }
        }
        for (node in touched) {
            val label = label(node)
            if (label.isBlank()) wrong += "something to touch at ${node.boundsInRoot} has no name"
            val (width, height) = node.size.width / SCALE to node.size.height / SCALE
            if (width < 48 || height < 48) wrong += "'$label' is ${width.roundToInt()} by ${height.roundToInt()} dp"
        }
        val headings = nodes(unmerged = true).filter { it.config.contains(SemanticsProperties.Heading) }
        if (headings.isEmpty()) wrong += "a screen reader finds no heading"
        if (look.texts.language == "ar") {
            val title = headings.firstOrNull()?.boundsInRoot
            if (title != null && title.right < (WIDTH - 17) * SCALE) wrong += "the title does not begin at the right"
        }
        assertEquals("", wrong.joinToString("\n"))
    }

    /** Whether a line is wider, or all of them are higher, than the place that they have. */
    private fun isCut(layout: TextLayoutResult, node: SemanticsNode): Boolean {
        val lines = 0 until layout.lineCount
        val widest = lines.maxOf { layout.getLineRight(it) - layout.getLineLeft(it) }
        val isShortened = lines.any { layout.isLineEllipsized(it) } || layout.multiParagraph.didExceedMaxLines
        return isShortened || widest > node.size.width + 1 || layout.multiParagraph.height > node.size.height + 1
    }

    /** The end of a line that stands within a word, where there is one. An address or a code is no word. */
    private fun brokenWord(layout: TextLayoutResult): String? {
        val text = layout.layoutInput.text.text
        fun isWord(at: Int) = text.take(at).substringAfterLast(' ').plus(text.drop(at).substringBefore(' ')).none { it == ':' }
        val ends = (0 until layout.lineCount - 1).map { layout.getLineEnd(it) }.filter(::isWord)
        return ends.firstOrNull { text[it - 1].isLetterOrDigit() && text[it].isLetterOrDigit() }?.let { text.take(it) }
    }

    /** The layout of a node that shows text. */
    private fun textOf(node: SemanticsNode): TextLayoutResult? {
        val results = mutableListOf<TextLayoutResult>()
        node.config.getOrNull(SemanticsActions.GetTextLayoutResult)?.action?.invoke(results)
        return results.firstOrNull()
    }

    private fun label(node: SemanticsNode): String {
        val described = node.config.getOrNull(SemanticsProperties.ContentDescription).orEmpty()
        val texts = node.config.getOrNull(SemanticsProperties.Text).orEmpty().map { it.text }
        return (described + texts).joinToString(" ")
    }

    /** The greatest contrast in a part of the picture to the colour that there is most of, as WCAG 2 reckons it. */
    private fun contrast(picture: Bitmap, part: Rect): Double {
        val counts = HashMap<Int, Int>()
        for (y in part.top.toInt().coerceAtLeast(0) until part.bottom.toInt().coerceAtMost(picture.height)) {
            for (x in part.left.toInt().coerceAtLeast(0) until part.right.toInt().coerceAtMost(picture.width)) {
                counts.merge(picture.getColor(x, y), 1, Int::plus)
            }
        }
        val ground = luminance(counts.maxByOrNull { it.value }?.key ?: return 0.0)
        return counts.keys.maxOf { colour ->
            val (dark, bright) = listOf(ground, luminance(colour)).sorted()
            (bright + 0.05) / (dark + 0.05)
        }
    }

    private fun luminance(colour: Int): Double {
        val (red, green, blue) = listOf(16, 8, 0).map { shift ->
            val part = (colour shr shift and 0xFF) / 255.0
            if (part <= 0.04045) part / 12.92 else Math.pow((part + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /** Keeps the picture down to the last line on which there is anything. */
    private fun keep(picture: Bitmap, name: String) {
        val last = (picture.height - 1 downTo 0).first { y ->
            (1 until picture.width).any { picture.getColor(it, y) != picture.getColor(0, y) }
        }
        val folder = File(System.getProperty("firsthand.pictures")).apply { mkdirs() }
        val part = Bitmap()
        val bottom = (last + 16 * SCALE.toInt()).coerceAtMost(picture.height)
        check(picture.extractSubset(part, IRect.makeLTRB(0, 0, picture.width, bottom)))
        val png = checkNotNull(Image.makeFromBitmap(part).encodeToData(EncodedImageFormat.PNG))
        File(folder, "$name.png").writeBytes(png.bytes)
    }

    private companion object {
        /** A narrow phone, in dp, and so high that nothing has to be scrolled. */
        const val WIDTH = 360f
        const val HEIGHT = 3_200f
        const val SCALE = 2f
    }
}
