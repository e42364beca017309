//! What the server does for each verb.

mod binding;
mod create;
mod delete;
mod eviction;
mod list;
mod patch;
mod proxy;
mod read;
mod scale;
mod token;
mod update;
mod watch;

pub(crate) use binding::assign;
pub(crate) use eviction::selects;
pub(crate) use proxy::Upgrade;

use std::sync::Arc;

use http::Method;

use super::answer::Answer;
use super::cluster::Cluster;
use super::error::ApiError;
use super::request::ApiRequest;
use super::route::{Place, Route};
use super::{discovery, openapi, review};

/// Carries out a request.
pub(crate) async fn dispatch(
    cluster: &Arc<Cluster>,
    request: &ApiRequest,
    route: &Route,
    upgrade: Option<Upgrade>,
) -> Result<Answer, ApiError> {
    match route {
        Route::Objects(place) => match place.below() {
            "log" | "exec" | "attach" | "portforward" => {
                proxy::forward(cluster, request, place, upgrade).await
            }
            _ => objects(cluster, request, place),
        },
        Route::Review(group, _, plural) => review::answer(cluster, request, group, plural),
        Route::Health => Ok(Answer::text("ok")),
        Route::Version => Ok(discovery::version()),
        Route::Core => Ok(discovery::core(request)),
        Route::Groups => Ok(discovery::groups(request)),
        Route::Group(group) => discovery::group(group),
        Route::Resources(group, version) => discovery::resources(group, version),
        Route::Schemas => Ok(openapi::index()),
        Route::Schema(group, version) => openapi::document(group, version),
    }
}

fn objects(cluster: &Arc<Cluster>, request: &ApiRequest, place: &Place) -> Result<Answer, ApiError> {
    let has_name = place.name.is_some();
    match (&request.method, place.below()) {
        (&Method::GET, "") if request.is_watch() => watch::watch(cluster, request, place),
        (&Method::GET, "") if !has_name => list::list(cluster, request, place),
        (&Method::GET, "" | "status") => read::get(cluster, request, place),
        (&Method::POST, "") if !has_name => create::create(cluster, request, place),
        (&Method::POST, "binding") => binding::bind(cluster, request, place),
        (&Method::POST, "eviction") => eviction::evict(cluster, request, place),
        (&Method::POST, "token") => token::mint(cluster, request, place),
        (&Method::PUT, "" | "status" | "finalize") if has_name => update::update(cluster, request, place),
        (&Method::PATCH, "" | "status") if has_name => patch::patch(cluster, request, place),
        (_, "scale") if has_name => scale::scale(cluster, request, place),
        (&Method::DELETE, "") if has_name => delete::delete(cluster, request, place),
        (&Method::DELETE, "") => delete::collection(cluster, request, place),
        _ => Err(ApiError::method_not_allowed()),
    }
}
