package firsthand.ui

import firsthand.texts.textsOf
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class TextsTest {
    @Test
    fun arabicHasSixForms() {
        val texts = textsOf("ar")
        val forms = listOf(0, 1, 2, 3, 10, 11, 99, 100, 102, 103, 111).associateWith { texts.incidentsFiles(it) }
        assertEquals("لا ملفات", forms[0])
        assertEquals("ملف واحد", forms[1])
        assertEquals("ملفان", forms[2])
        assertEquals(listOf("3 ملفات", "10 ملفات", "103 ملفات"), listOf(3, 10, 103).map { forms[it] })
        assertEquals(listOf("11 ملفاً", "99 ملفاً", "111 ملفاً"), listOf(11, 99, 111).map { forms[it] })
        assertEquals(listOf("100 ملف", "102 ملف"), listOf(100, 102).map { forms[it] })
    }

    @Test
    fun othersHaveTwo() {
        assertEquals(listOf("0 files", "1 file", "2 files"), (0..2).map { textsOf("en").incidentsFiles(it) })
        assertEquals(listOf("0 archivos", "1 archivo", "2 archivos"), (0..2).map { textsOf("es").incidentsFiles(it) })
        assertEquals("en", textsOf("fr").language)
    }

    @Test
    fun lengthsAreInTheLargestUnitOfWhichThereAreTwo() {
        val texts = textsOf("en")
        val minute = 60_000uL
        assertEquals("1 minute", texts.length(minute))
        assertEquals("119 minutes", texts.length(119uL * minute))
        assertEquals("2 hours", texts.length(120uL * minute))
        assertEquals("2 days", texts.length(48uL * 60uL * minute))
    }
}
