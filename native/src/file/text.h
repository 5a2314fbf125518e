#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace numacast {

/** "Not known" among doubles. */
inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

std::string_view trim(std::string_view text);
/** Takes the next line off `text`, without its newline; false at the end. */
bool nextLine(std::string_view& text, std::string_view& line);
/** Takes the next word off `text` (blanks and tabs separate); false at the end. */
bool nextWord(std::string_view& text, std::string_view& word);
std::vector<std::string_view> split(std::string_view text, char separator);

/** The whole of `text`, trimmed, as an unsigned decimal; nothing when it is anything else or overflows. */
std::optional<uint64_t> parseUnsigned(std::string_view text);
std::optional<int64_t> parseSigned(std::string_view text);
/** Decimal fraction like "12.34", as pressure files print it. */
std::optional<double> parseFraction(std::string_view text);

/** `prefix` followed by nothing but decimal digits: the number. */
std::optional<uint64_t> numberAfter(std::string_view name, std::string_view prefix);

/** Value of the line "key value" in a flat keyed file, or nothing. */
std::optional<uint64_t> keyedValue(std::string_view text, std::string_view key);

/** Undoes the octal escapes (\040 and so on) of mount tables. */
std::string unescapeOctal(std::string_view text);

}  // namespace numacast
