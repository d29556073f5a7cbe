//! Which declarations do facts hold?

use super::check;

#[test]
fn imports_bind_locals_wherever_they_stand() {
    check(
        r"
import os, a.b.c, a.b as ab
from django.db import models as m, fields
from ..x import (y as z, w)
from . import sib
from lib import *
from __future__ import annotations
try:
    import json
except ImportError:
    json = None
def f():
    global late
    import late, own
    return own, late
",
        r"
Python
import os as os
import a as a
import a.b as ab
import django.db.models as m (member)
import django.db.fields as fields (member)
import ..x.y as z (member)
import ..x.w as w (member)
import .sib as sib (member)
import lib as *
import json as json
import late as late
import own as own in fn 1
fn 0 file
  import 0 as $os
  import 1 as $a
  import 2 as $ab
  import 3 as $m
  import 4 as $fields
  import 5 as $z
  import 6 as $w
  import 7 as $sib
  try
    import 9 as $json
  catch ImportError
    ($json = null)
  function fn 1 as $f
fn 1 function f()
  import 11 as $own
  return tuple($own, late)
",
    );
}

#[test]
fn exports_are_read_from_literals() {
    check(
        r#"
__all__ = ["A", 'B'] + ["C"]
__all__ += ("D",)
__all__.extend(["E"])
"#,
        r#"
Python
exports A, B, C, D, E
fn 0 file
  ($__all__ = (["A", "B"] + ["C"]))
  ($__all__ += tuple("D"))
  $__all__.extend(["E"])
"#,
    );
}

#[test]
fn exports_with_a_computed_part_are_unknown() {
    check(
        r#"
__all__ = ["A"]
__all__ += other.__all__
"#,
        r#"
Python
fn 0 file
  ($__all__ = ["A"])
  ($__all__ += other.__all__)
"#,
    );
}

#[test]
fn a_class_has_bases_keywords_decorators_and_attributes() {
    check(
        r#"
@register(Post)
class PostAdmin(admin.ModelAdmin, Repository["Post"], make(), metaclass=Meta, table=True):
    """Text."""
    title: str = "x"
    body: Optional["Body"]
    a = b = 1
    c, d = 1, 2
    if DEBUG:
        e = title
    class Meta:
        ordering = ["-id"]
        class Deep: pass
"#,
        r#"
Python
@register(Post)
class PostAdmin #0 extends admin.ModelAdmin, Repository<Post>, ? =make() metaclass=Meta table=true scope fn 1
  static title: str = "x"
  body: Body|null
  static a = 1
  static b = 1
  static c
  static d
  static e = $title
  nested #1
class PostAdmin.Meta #1 scope fn 2
  static ordering = ["-id"]
  nested #2
class PostAdmin.Meta.Deep #2 scope fn 3
fn 0 file
  class #0 as $PostAdmin
fn 1 class-body PostAdmin::PostAdmin
  ($title = "x")
  declare $title: str
  declare $body: Body|null
  ($a = ($b = 1))
  ([$c, $d] = tuple(1, 2))
  if DEBUG
    ($e = $title)
  class #1 as $Meta
fn 2 class-body PostAdmin.Meta::Meta in fn 1
  ($ordering = ["-id"])
  class #2 as $Deep
fn 3 class-body PostAdmin.Meta.Deep::Deep in fn 2
"#,
    );
}

#[test]
fn methods_take_their_receiver_as_first_parameter() {
    check(
        r#"
class A:
    @property
    def name(self) -> str | None:
        self.cache: dict[str, Post] = {}
        return self.name
    @staticmethod
    async def make(a, b=1, *args: int, c: "Post" = None, **kw): yield a
    @classmethod
    @abc.abstractmethod
    def k(cls, /, x, *, y): ...
"#,
        r#"
Python
class A #0 scope fn 1
  cache: dict<str, Post>
  method fn 2
  method fn 3
  method fn 4
fn 0 file
  class #0 as $A
fn 1 class-body A::A
  function fn 2 as $name
  function fn 3 as $make
  function fn 4 as $k
@property
fn 2 method A::name($self) -> str|null in fn 1
  ($self.cache = {})
  return $self.name
@staticmethod
fn 3 static async generator method A::make($a, $b = 1, ...$args: int, keyword $c: Post = null, **$kw) in fn 1
  yield($a)
@classmethod
@abc.abstractmethod
fn 4 classmethod abstract method A::k($cls, $x, keyword $y) in fn 1
  literal
"#,
    );
}

#[test]
fn decorators_are_expressions_of_the_scope_around() {
    check(
        r#"
@app.route("/", methods=["GET"])
@cached
def index(): pass
"#,
        r#"
Python
fn 0 file
  function fn 1 as $index
@app.route("/", methods: ["GET"])
@cached
fn 1 function index()
"#,
    );
}

#[test]
fn annotated_parameters_have_the_type_and_its_metadata() {
    check(
        r"
def dep(db: Annotated[Session, Depends(get_db), 1], q: str | None = Query(None), t: typing.Annotated[int, x] = 2, o: Optional[Annotated[A, B()]] = None): pass
",
        r"
Python
fn 0 file
  function fn 1 as $dep
fn 1 function dep(@Depends(get_db) @1 $db: Session, $q: str|null = Query(null), @x $t: int = 2, @B() $o: A|null = null)
",
    );
}

#[test]
fn annotations_are_types_quoted_or_not() {
    check(
        r#"
a: "list[Post]"
b: Optional['Post']
c: Union[A, "B | None"]
d: dict[str, tuple[int, ...]]
e: Callable[[int], str]
f: Literal["x", "y"]
g: t.Optional[m.Post]
h: 3
i: Mapped[List["Post"]]
"#,
        r#"
Python
fn 0 file
  declare $a: list<Post>
  declare $b: Post|null
  declare $c: A|B|null
  declare $d: dict<str, tuple<int>>
  declare $e: Callable<?, str>
  declare $f: Literal
  declare $g: m.Post|null
  declare $h: ?
  declare $i: Mapped<List<Post>>
"#,
    );
}

#[test]
fn type_parameters_and_aliases_are_read() {
    check(
        r"
type Alias[T] = list[T] | None
type Other = m.Post
def gen[T: Base](x: T) -> list[T]: return x
class Box[T](Base[T]): ...
",
        r"
Python
class Box #0 extends Base<T> scope fn 2
fn 0 file
  ($Alias = (list[T] | null))
  ($Other = m.Post)
  function fn 1 as $gen
  class #0 as $Box
fn 1 function gen($x: T) -> list<T>
  return $x
fn 2 class-body Box::Box
  literal
",
    );
}

#[test]
fn annotated_assignments_declare_their_type() {
    check(
        r#"
x: int
y: "Post" = z
def f(self):
    self.a: Post = y
"#,
        r#"
Python
fn 0 file
  declare $x: int
  ($y = z)
  declare $y: Post
  function fn 1 as $f
fn 1 function f($self)
  ($self.a = y)
"#,
    );
}

#[test]
fn comments_for_the_tool_are_kept() {
    check(
        r##"
# ormlint: ignore[x]
z = "# expect: not a comment"  # expect: rule
# a plain one
"##,
        r##"
Python
fn 0 file
  ($z = "# expect: not a comment")
comment ormlint: ignore[x]
comment expect: rule
"##,
    );
}
