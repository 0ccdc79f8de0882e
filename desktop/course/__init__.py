"""Lessons, glossary and progress as data. Imports nothing else of ours but the language type.

``load_course`` reads everything; ``search`` finds in it; ``settle`` and ``goal_reached`` judge runs;
``desktop.course.store.Store`` remembers the learner.
"""

from desktop.course.catalog import Course, UnknownLessonError, find_lessons, load_course
from desktop.course.checks import goal_reached, settle
from desktop.course.errors import CourseError
from desktop.course.glossary import Glossary, Term
from desktop.course.search import Hit, search

__all__ = [
    "Course",
    "CourseError",
    "Glossary",
    "Hit",
    "Term",
    "UnknownLessonError",
    "find_lessons",
    "goal_reached",
    "load_course",
    "search",
    "settle",
]
