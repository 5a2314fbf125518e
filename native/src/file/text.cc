#include "file/text.h"

#include <charconv>

namespace numacast {

namespace {

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

template <typename Number>
std::optional<Number> parseWhole(std::string_view text) {
  text = trim(text);
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && isBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && isBlank(text.back())) text.remove_suffix(1);
  return text;
}

bool nextLine(std::string_view& text, std::string_view& line) {
  if (text.empty()) return false;
  const size_t end = text.find('\n');
  line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return true;
}

bool nextWord(std::string_view& text, std::string_view& word) {
  while (!text.empty() && isBlank(text.front())) text.remove_prefix(1);
  if (text.empty()) return false;
  size_t length = 0;
  while (length < text.size() && !isBlank(text[length])) ++length;
  word = text.substr(0, length);
  text.remove_prefix(length);
  return true;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<uint64_t> parseUnsigned(std::string_view text) { return parseWhole<uint64_t>(text); }

std::optional<int64_t> parseSigned(std::string_view text) { return parseWhole<int64_t>(text); }

std::optional<double> parseFraction(std::string_view text) {
  // By hand: a few digits are all that the kernel prints, and this is on the hot path.
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto digit = [&] { return at != end && *at >= '0' && *at <= '9'; };
  if (!digit() || text.size() > 24) return std::nullopt;
  double value = 0;
  for (; digit(); ++at) value = value * 10 + (*at - '0');
  if (at == end) return value;
  if (*at++ != '.' || !digit()) return std::nullopt;
  double scale = 1;
  for (; digit(); ++at) {
    value = value * 10 + (*at - '0');
    scale *= 10;
  }
  if (at != end) return std::nullopt;
  return value / scale;
}

std::optional<uint64_t> numberAfter(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix) || name.size() == prefix.size()) return std::nullopt;
  for (const char c : name.substr(prefix.size())) {
    if (c < '0' || c > '9') return std::nullopt;
  }
  return parseUnsigned(name.substr(prefix.size()));
}

std::optional<uint64_t> keyedValue(std::string_view text, std::string_view key) {
  for (std::string_view line; nextLine(text, line);) {
    if (line.size() > key.size() && line.starts_with(key) && (line[key.size()] == ' ' || line[key.size()] == '\t')) {
      return parseUnsigned(line.substr(key.size()));
    }
  }
  return std::nullopt;
}

std::string unescapeOctal(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '7'; };
  std::string plain;
  plain.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 3 < text.size() && text[at + 1] <= '3' && digit(text[at + 1]) && digit(text[at + 2]) &&
        digit(text[at + 3])) {
      plain.push_back(static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0')));
      at += 3;
    } else {
      plain.push_back(text[at]);
    }
  }
  return plain;
}

}  // namespace numacast
