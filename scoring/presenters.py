def page_notices(request):
    return {}
