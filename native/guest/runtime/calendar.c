/* timegm: the inverse of gmtime, whatever TZ says. Members out of their ranges are brought into
 * them, as mktime does. */
#include <errno.h>
#include <time.h>

/* Days from 1970-01-01 to the first of MONTH (0 to 11) of YEAR in the Gregorian calendar. Years
 * start in March here, so that the leap day is a year's last. */
static long long DaysBefore(long long year, int month) {
  year -= month < 2;
  long long era = (year >= 0 ? year : year - 399) / 400;
  long long year_of_era = year - era * 400;
  long long day_of_year = (153 * ((month + 10) % 12) + 2) / 5;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719468;
}

time_t timegm(struct tm *parts) {
  long long year = 1900LL + parts->tm_year + parts->tm_mon / 12;
  int month = parts->tm_mon % 12;
  if (month < 0) {
    month += 12;
    --year;
  }
  time_t seconds = (time_t)((DaysBefore(year, month) + parts->tm_mday - 1) * 86400 +
                            parts->tm_hour * 3600LL + parts->tm_min * 60LL + parts->tm_sec);
  if (gmtime_r(&seconds, parts) == NULL) {
    errno = EOVERFLOW;
    return -1;
  }
  return seconds;
}
