/* SPDX-License-Identifier: Apache-2.0 */
/* RapidJSON's reader, and nothing else of C++. It reads in place, so it needs no stack of its own,
 * and hands over numbers as they stand, so that libc rounds them. Two of its ways are not for us
 * (version 1.1.0): its check of UTF-8 reads past the end of a text that ends in half a character,
 * and its search by SSE lets some control characters pass. */
#define _Noreturn [[noreturn]] /* the headers of C say it so */
extern "C" {
#include "format/json_grammar.h"
}

#define RAPIDJSON_ASSERT(condition) ASSERT(condition)
#include <rapidjson/reader.h>

namespace
{

/* The library calls these. What it has beside them is for numbers of its own making, which the
 * flags rule out. */
struct json_events : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, json_events> {
    struct json_reader *hearer;

    explicit json_events(struct json_reader *to) : hearer(to)
    {
    }
    bool Default()
    {
        return false;
    }
    bool Null()
    {
        struct value value = {};
        return json_hear_value(hearer, value);
    }
    bool Bool(bool truth)
    {
        struct value value = {};
        value.kind = VALUE_BOOL;
        value.truth = truth;
        return json_hear_value(hearer, value);
    }
    bool RawNumber(const char *at, rapidjson::SizeType len, bool)
    {
        struct text digits = { at, len };
        for (size_t i = 0; i < len; i++)
            if (at[i] == '.' || at[i] == 'e' || at[i] == 'E') return json_hear_real(hearer, digits);
        return json_hear_integer(hearer, digits);
    }
    bool String(const char *at, rapidjson::SizeType len, bool)
    {
        return json_hear_text(hearer, text{ at, len });
    }
    bool Key(const char *at, rapidjson::SizeType len, bool)
    {
        return json_hear_name(hearer, text{ at, len });
    }
    bool StartObject()
    {
        return json_hear_opening(hearer);
    }
    bool StartArray()
    {
        return json_hear_opening(hearer);
    }
    bool EndObject(rapidjson::SizeType count)
    {
        return json_hear_object(hearer, count);
    }
    bool EndArray(rapidjson::SizeType count)
    {
        return json_hear_list(hearer, count);
    }
};

/* NULL: a hearer said false, and knows why. */
const char *words_of(rapidjson::ParseErrorCode code, char byte)
{
    switch (code) {
    case rapidjson::kParseErrorDocumentEmpty:
    case rapidjson::kParseErrorValueInvalid: return "expected a value";
    case rapidjson::kParseErrorDocumentRootNotSingular: return "nothing may follow the value";
    case rapidjson::kParseErrorObjectMissName: return "expected a name in quotation marks";
    case rapidjson::kParseErrorObjectMissColon: return "expected a colon";
    case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket: return "expected a comma or }";
    case rapidjson::kParseErrorArrayMissCommaOrSquareBracket: return "expected a comma or ]";
    case rapidjson::kParseErrorStringUnicodeEscapeInvalidHex:
        return "\\u has four hexadecimal digits";
    case rapidjson::kParseErrorStringUnicodeSurrogateInvalid:
        return "half a surrogate pair is no character";
    case rapidjson::kParseErrorStringEscapeInvalid:
        return byte == '\\' ? "no such escape" : "a string holds no control characters";
    case rapidjson::kParseErrorStringMissQuotationMark:
        return "a string ends with a quotation mark";
    case rapidjson::kParseErrorNumberTooBig: return "the number is too big for a double";
    case rapidjson::kParseErrorNumberMissFraction:
    case rapidjson::kParseErrorNumberMissExponent: return "expected a digit";
    case rapidjson::kParseErrorTermination: return nullptr;
    default: return "this is no JSON";
    }
}

} // namespace

extern "C" bool json_grammar_read(char *text, size_t len, struct json_reader *hearer,
                                  struct json_error *error)
{
    constexpr unsigned flags = rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag;
    rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>> reader;
    rapidjson::InsituStringStream stream(text);
    json_events events(hearer);
    *error = {};
    if (!reader.Parse<flags>(stream, events)) {
        error->at = text + reader.GetErrorOffset();
        error->words = words_of(reader.GetParseErrorCode(), *error->at);
        return false;
    }
    if (stream.Tell() == len) return true;
    error->at = text + stream.Tell(); /* a NUL, which is the library's end of the text */
    error->words = words_of(rapidjson::kParseErrorDocumentRootNotSingular, '\0');
    return false;
}
