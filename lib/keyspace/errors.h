// Every constant error text, worded once, as Redis 7.0 words it. Texts that quote the input are composed where they
// are written; see ReplyWriter::Error.
#ifndef LARDER_KEYSPACE_ERRORS_H_
#define LARDER_KEYSPACE_ERRORS_H_

#include "lib/base/error.h"

namespace larder::inline v0::errors {

#define LARDER_ERROR(name, code, text) inline constexpr ErrorText name{absl::StatusCode::code, text}

LARDER_ERROR(kWrongType, kFailedPrecondition, "WRONGTYPE Operation against a key holding the wrong kind of value");
LARDER_ERROR(kSyntax, kInvalidArgument, "ERR syntax error");
LARDER_ERROR(kNotInteger, kInvalidArgument, "ERR value is not an integer or out of range");
LARDER_ERROR(kNotInt32, kInvalidArgument,
             "ERR value is out of range, value must between -2147483648 and 2147483647");
LARDER_ERROR(kNotFloat, kInvalidArgument, "ERR value is not a valid float");
LARDER_ERROR(kHashNotInteger, kInvalidArgument, "ERR hash value is not an integer");
LARDER_ERROR(kHashNotFloat, kInvalidArgument, "ERR hash value is not a float");
LARDER_ERROR(kNotNumber, kInvalidArgument, "ERR value is NaN or Infinity");
LARDER_ERROR(kOverflow, kOutOfRange, "ERR increment or decrement would overflow");
LARDER_ERROR(kDecrementOverflow, kOutOfRange, "ERR decrement would overflow");
LARDER_ERROR(kNanOrInfinity, kOutOfRange, "ERR increment would produce NaN or Infinity");
LARDER_ERROR(kNoSuchKey, kNotFound, "ERR no such key");
LARDER_ERROR(kIndexOutOfRange, kOutOfRange, "ERR index out of range");
LARDER_ERROR(kNotCount, kOutOfRange,
             "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
LARDER_ERROR(kNotInRange, kOutOfRange, "ERR value is out of range");
LARDER_ERROR(kNotPositive, kOutOfRange, "ERR value is out of range, must be positive");
LARDER_ERROR(kNoKeysCounted, kInvalidArgument, "ERR numkeys should be greater than 0");
LARDER_ERROR(kTooManyKeysCounted, kInvalidArgument, "ERR Number of keys can't be greater than number of args");
LARDER_ERROR(kNegativeLimit, kInvalidArgument, "ERR LIMIT can't be negative");
LARDER_ERROR(kCountNotPositive, kInvalidArgument, "ERR count should be greater than 0");
LARDER_ERROR(kNegativeCount, kInvalidArgument, "ERR COUNT can't be negative");
LARDER_ERROR(kNegativeMaxlen, kInvalidArgument, "ERR MAXLEN can't be negative");
LARDER_ERROR(kZeroRank, kInvalidArgument,
             "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to "
             "start from the end of the list");
LARDER_ERROR(kNotSortable, kInvalidArgument, "ERR One or more scores can't be converted into double");
LARDER_ERROR(kOffsetOutOfRange, kOutOfRange, "ERR offset is out of range");
LARDER_ERROR(kStringTooLong, kOutOfRange, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
LARDER_ERROR(kNotHyperLogLog, kFailedPrecondition, "WRONGTYPE Key is not a valid HyperLogLog string value.");
LARDER_ERROR(kCorruptHyperLogLog, kFailedPrecondition, "INVALIDOBJ Corrupted HLL object detected");
LARDER_ERROR(kSameObject, kInvalidArgument, "ERR source and destination objects are the same");
LARDER_ERROR(kDbOutOfRange, kOutOfRange, "ERR DB index is out of range");
LARDER_ERROR(kInvalidDb, kInvalidArgument, "ERR invalid DB index");
LARDER_ERROR(kTimeoutNotInteger, kInvalidArgument, "ERR timeout is not an integer or out of range");
LARDER_ERROR(kTimeoutNotFloat, kInvalidArgument, "ERR timeout is not a float or out of range");
LARDER_ERROR(kTimeoutNegative, kInvalidArgument, "ERR timeout is negative");
LARDER_ERROR(kInvalidCursor, kInvalidArgument, "ERR invalid cursor");
LARDER_ERROR(kClockBefore1970, kFailedPrecondition,
             "ERR the clock is before 1970, and so would be the expiry, which cannot be kept");
LARDER_ERROR(kOutOfMemory, kResourceExhausted, "OOM command not allowed when used memory > 'maxmemory'.");
LARDER_ERROR(kLargerThanMaxmemory, kResourceExhausted, "OOM the value is larger than 'maxmemory'");
LARDER_ERROR(kAllocationFailed, kResourceExhausted, "OOM the system has no memory left for this command");
LARDER_ERROR(kScoreNotNumber, kOutOfRange, "ERR resulting score is not a number (NaN)");
LARDER_ERROR(kXxAndNx, kInvalidArgument, "ERR XX and NX options at the same time are not compatible");
LARDER_ERROR(kGtLtAndNx, kInvalidArgument, "ERR GT, LT, and/or NX options at the same time are not compatible");
LARDER_ERROR(kSeveralIncrements, kInvalidArgument, "ERR INCR option supports a single increment-element pair");
LARDER_ERROR(kRangeNotFloat, kInvalidArgument, "ERR min or max is not a float");
LARDER_ERROR(kRangeNotLex, kInvalidArgument, "ERR min or max not valid string range item");
LARDER_ERROR(kWeightNotFloat, kInvalidArgument, "ERR weight value is not a float");
LARDER_ERROR(kLimitOfRanks, kInvalidArgument,
             "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
LARDER_ERROR(kScoresByLex, kInvalidArgument, "ERR syntax error, WITHSCORES not supported in combination with BYLEX");

// No refusal, and never a reply: a step of a command that may take long has been done, and it is to be run again.
LARDER_ERROR(kUnfinished, kUnavailable, "ERR the command has not ended yet");

#undef LARDER_ERROR

// All of them: Reply::ToStatus finds by it the code that a typed call would have given.
inline constexpr const ErrorText* kAll[] = {
    &kWrongType, &kSyntax, &kNotInteger, &kNotInt32, &kNotFloat, &kOverflow, &kDecrementOverflow, &kNanOrInfinity,
    &kNoSuchKey, &kIndexOutOfRange, &kOffsetOutOfRange, &kStringTooLong, &kSameObject, &kDbOutOfRange, &kInvalidDb,
    &kHashNotInteger, &kHashNotFloat, &kNotNumber, &kNotInRange, &kNotCount, &kInvalidCursor, &kClockBefore1970,
    &kOutOfMemory, &kAllocationFailed, &kNotHyperLogLog, &kCorruptHyperLogLog, &kNotPositive, &kNoKeysCounted,
    &kTooManyKeysCounted, &kNegativeLimit, &kCountNotPositive, &kNegativeCount, &kNegativeMaxlen, &kZeroRank,
    &kNotSortable, &kScoreNotNumber, &kXxAndNx, &kGtLtAndNx, &kSeveralIncrements, &kRangeNotFloat, &kRangeNotLex,
    &kWeightNotFloat, &kLimitOfRanks, &kScoresByLex, &kTimeoutNotInteger, &kTimeoutNotFloat, &kTimeoutNegative,
};

}  // namespace larder::inline v0::errors

#endif  // LARDER_KEYSPACE_ERRORS_H_
